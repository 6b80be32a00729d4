#!/usr/bin/env python3
"""What plain int8 costs the demo networks, and adze's default beside it: the same 512 calibration images, 5000 test images.

Usage: bench/glyphs.py ADZE [MODEL.onnx ...]   default: examples/glyphs/*.onnx. Needs `tools/setup.sh test`, no ../shared.
Plain: ONNX Runtime's quantize_static behind quant_pre_process, MinMax, s8 weights and activations, per tensor and per channel.
Its files run in ONNX Runtime as their nodes stand, in float: its integer kernels saturate on CPUs without VNNI, and that
loss is not the quantization's.
"""
import glob
import gzip
import os
import sys
import tempfile

import numpy as np
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from common import BENCH, adze, ort_outputs, sqnr_db

GLYPHS = os.path.join(BENCH, "..", "examples", "glyphs")
DATA = os.path.join(GLYPHS, "glyphs.yaml")


def idx(name, head):
    with gzip.open(os.path.join(GLYPHS, name + ".idx.gz")) as f:
        return np.frombuffer(f.read(), np.uint8)[head:]


def images(split):
    return (idx(split + "-images", 16).reshape(-1, 1, 32, 32).astype(np.float32) - np.float32(127.5)) / np.float32(64)


class Reader(quantization.CalibrationDataReader):
    def __init__(self, samples):
        self.rest = iter(samples)

    def get_next(self):
        x = next(self.rest, None)
        return None if x is None else {"image": x[None]}


def main():
    program, models = sys.argv[1], sys.argv[2:] or sorted(glob.glob(os.path.join(GLYPHS, "*.onnx")))
    inputs, labels = images("test"), idx("test-labels", 8)
    for model in models:
        reference = ort_outputs(model, inputs)

        def row(name, top1, flips, sqnr, path):
            print("  %-34s top-1 %.2f  flips %.2f %%  SQNR %.2f dB  file %.3f of float" %
                  (name, top1, flips, sqnr, os.path.getsize(path) / os.path.getsize(model)), flush=True)

        print("%s: float top-1 %.2f %% of %d" %
              (os.path.basename(model), 100 * np.mean(reference.argmax(1) == labels), len(labels)), flush=True)
        with tempfile.TemporaryDirectory() as folder:
            prepared, out = os.path.join(folder, "prepared.onnx"), os.path.join(folder, "q.onnx")
            quant_pre_process(model, prepared)
            for per_channel in (False, True):
                quantization.quantize_static(prepared, out, Reader(images("calibration")), per_channel=per_channel,
                                             calibrate_method=quantization.CalibrationMethod.MinMax)
                values = ort_outputs(out, inputs, integer=False)
                row("onnxruntime MinMax, per %s" % ("channel" if per_channel else "tensor"),
                    100 * np.mean(values.argmax(1) == labels), 100 * np.mean(values.argmax(1) != reference.argmax(1)),
                    sqnr_db(reference, values), out)
            q = adze(program, "quantize", model, "--data", DATA, "--split", "calibration", "--samples", 512, "--out", out)
            e = adze(program, "eval", out, "--data", DATA, "--split", "test", "--batch", 16, "--reference", model)
            row("adze, %.0f %% of the MACs int8" % (100 * q["int8_macs_share"]), 100 * e["value"], 100 * e["flip_rate"],
                e["sqnr_db"], out)


if __name__ == "__main__":
    main()
