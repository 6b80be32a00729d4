"""onnx-neural-compressor (Intel's neural-compressor for ONNX, a package of its own since 2024), static quantization."""
import peer


def quantize(model, samples, out, method):
    from onnx_neural_compressor import data_reader
    from onnx_neural_compressor import quantization as q
    from onnx_neural_compressor.quantization import config
    feeds = peer.batches(peer.input_name(model), samples)

    class Reader(data_reader.CalibrationDataReader):
        def __init__(self):
            self.rewind()

        def get_next(self):
            return next(self.rest, None)

        def rewind(self):
            self.rest = iter(feeds)

    q.quantize(model, out, config.StaticQuantConfig(Reader(), calibrate_method=getattr(q.CalibrationMethod, method),
                                                    quant_format=q.QuantFormat.QDQ, activation_type=q.QuantType.QUInt8,
                                                    weight_type=q.QuantType.QInt8, per_channel=True,
                                                    calibration_sampling_size=len(feeds)))


peer.main(quantize)
