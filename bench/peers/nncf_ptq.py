"""nncf.quantize on the ONNX network."""
import peer


def quantize(model, samples, out, preset, fast_bias_correction, transformer=False):
    import nncf
    import onnx
    feeds = peer.batches(peer.input_name(model), samples)
    quantized = nncf.quantize(onnx.load(model), nncf.Dataset(feeds), preset=getattr(nncf.QuantizationPreset, preset),
                              subset_size=len(feeds), fast_bias_correction=fast_bias_correction,
                              model_type=nncf.ModelType.TRANSFORMER if transformer else None)
    onnx.save(quantized, out)


peer.main(quantize)
