"""onnxruntime.quantization.quantize_static behind its own pre-processing. Samples are handed over in strides: calibration with
histograms otherwise keeps every tensor of every sample (17 GB for MobileNetV2 with 256 images)."""
import os

import peer


def quantize(model, samples, out, method, activations, per_channel):
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process
    prepared = out + ".prepared.onnx"
    try:
        quant_pre_process(model, prepared)
    except AssertionError:  # its symbolic shape inference gives up on some networks; its manual says to skip it then
        quant_pre_process(model, prepared, skip_symbolic_shape=True)
    feeds = peer.batches(peer.input_name(prepared), samples)

    class Reader(q.CalibrationDataReader):
        def set_range(self, start_index, end_index):
            self.rest = iter(feeds[start_index:end_index])

        def get_next(self):
            return next(self.rest, None)

        def __len__(self):
            return len(feeds)

    stride = max(n for n in range(1, 33) if len(feeds) % n == 0)
    q.quantize_static(prepared, out, Reader(), quant_format=q.QuantFormat.QDQ, per_channel=per_channel,
                      activation_type=getattr(q.QuantType, activations), weight_type=q.QuantType.QInt8,
                      calibrate_method=getattr(q.CalibrationMethod, method), extra_options={"CalibStridedMinMax": stride})
    os.remove(prepared)


peer.main(quantize)
