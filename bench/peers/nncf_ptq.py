"""nncf.quantize on the ONNX network, raised to opset 13 where NNCF refuses it as too old (below 10)."""
import peer


def quantize(model, samples, out, preset, fast_bias_correction, transformer=False):
    import nncf
    import onnx
    network = onnx.load(model)
    if network.opset_import[0].version < 10:
        network = onnx.version_converter.convert_version(network, 13)
    feeds = peer.batches(peer.input_name(model), samples)
    quantized = nncf.quantize(network, nncf.Dataset(feeds), preset=getattr(nncf.QuantizationPreset, preset),
                              subset_size=len(feeds), fast_bias_correction=fast_bias_correction,
                              model_type=nncf.ModelType.TRANSFORMER if transformer else None)
    onnx.save(quantized, out)


peer.main(quantize)
