#!/usr/bin/env python3
"""adze diagnose on networks that ONNX Runtime quantized naively (MinMax, one scale per weight tensor).

Usage: bench/diagnose.py ADZE [--samples N] [--calibrate N] [--exclude-each] [mobilenet_v2] [yolox_nano]
Prints time, peak memory and the first findings. --exclude-each asks ONNX Runtime itself which layers are the worst: every
convolution in turn is left out of the quantization (the ranges are those of one calibration), and what the output gains is
measured in ONNX Runtime, on other samples; that takes minutes.
"""
import argparse
import os
import subprocess
import tempfile
import time

import numpy as np

from common import BENCH, DATA, NETWORKS, ort_outputs, sqnr_db
from detect import PHOTOS, Yolox


def photographs(split, count):
    from PIL import Image
    names = sorted(os.listdir(PHOTOS))[0 if split == "calibration" else 1::2][:count]
    return [Yolox().prepare(Image.open(os.path.join(PHOTOS, n)).convert("RGB")) for n in names]


def calibrator(prepared, samples):
    import onnx
    from onnxruntime import quantization as q

    class Reader(q.CalibrationDataReader):
        def __init__(self):
            self.name = onnx.load(prepared).graph.input[0].name
            self.rest = iter(samples)

        def get_next(self):
            x = next(self.rest, None)
            return None if x is None else {self.name: x[None]}

    made = q.calibrate.create_calibrator(prepared, augmented_model_path=prepared + ".augmented.onnx",
                                         calibrate_method=q.CalibrationMethod.MinMax)
    made.collect_data(Reader())
    return made.compute_data()


def quantize(prepared, ranges, out, excluded):
    import onnx
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry
    operators = list(set(QLinearOpsRegistry) | set(QDQRegistry))
    quantizer = QDQQuantizer(onnx.load(prepared), False, False, QuantType.QInt8, QuantType.QUInt8, ranges, [], excluded,
                             operators, {})
    quantizer.quantize_model()
    quantizer.model.save_model_to_file(out, False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--calibrate", type=int, default=32)
    parser.add_argument("--exclude-each", action="store_true")
    parser.add_argument("names", nargs="*", default=["mobilenet_v2", "yolox_nano"])
    a = parser.parse_intermixed_args()
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process
    for name in a.names:
        if name == "yolox_nano":
            model, data = os.path.join(DATA, "detect", "yolox_nano.onnx"), os.path.join(BENCH, "data", "yolox_nano.yaml")
            calibration, judged = photographs("calibration", a.calibrate), photographs("evaluation", 8)
        else:
            network = NETWORKS[name]
            model, data = network.model, network.data
            calibration, judged = network.read("calibration", a.calibrate)[0], network.read("evaluation", 16)[0]
        with tempfile.TemporaryDirectory() as folder:
            prepared, naive = os.path.join(folder, "prepared.onnx"), os.path.join(folder, "naive.onnx")
            quant_pre_process(model, prepared)
            ranges = calibrator(prepared, calibration)
            quantize(prepared, ranges, naive, [])
            for arguments in ([naive], []):
                start = time.perf_counter()
                done = subprocess.Popen([a.adze, "diagnose", model, *arguments, "--data", data, "--split", "evaluation",
                                         "--calibration-split", "calibration", "--samples", str(a.samples)],
                                        stdout=subprocess.PIPE, text=True)
                text = done.stdout.read()
                _, status, usage = os.wait4(done.pid, 0)
                print("%s, %s: exit code %d, %.1f s, peak memory %.0f MB" %
                      (name, "ONNX Runtime's MinMax" if arguments else "adze quantize", os.waitstatus_to_exitcode(status),
                       time.perf_counter() - start, usage.ru_maxrss / 1e3))
                print("  " + "\n  ".join(text.splitlines()), flush=True)
            if not a.exclude_each:
                continue
            reference = ort_outputs(prepared, judged)
            base = sqnr_db(reference, ort_outputs(naive, judged, False))
            gains = []
            one = os.path.join(folder, "one.onnx")
            for node in onnx.load(prepared).graph.node:
                if node.op_type not in ("Conv", "Gemm", "MatMul"):
                    continue
                quantize(prepared, ranges, one, [node.name])
                gains.append((sqnr_db(reference, ort_outputs(one, judged, False)) - base, node.name, node.output[0]))
            print("  left out one by one in ONNX Runtime (%.1f dB):" % base)
            for gain, node, output in sorted(gains, reverse=True)[:8]:
                print("  %+6.2f dB  %s, result %s" % (gain, node, output), flush=True)


if __name__ == "__main__":
    main()
