#!/usr/bin/env python3
"""Fewer than 8 bits by default settings: calibrated on one half of the data, judged on the other, and swapped.

Usage: bench/low_bit.py ADZE [NAME ...]   Networks: cifar10_resnet20 mlperf_tiny_resnet8 (256 training images, the 10,000 test images),
mobilenet_v2 squeezenet1.1 (halves of 500 images).
"""
import os
import sys
import tempfile
import time

from common import NETWORKS, adze

EDGES = ["--keep-int8", "first", "--keep-int8", "last"]
SETTINGS = {
    "W8A8": [],
    "W4A8, first and last 8": ["--weight-bits", "4", *EDGES],
    "W4A8": ["--weight-bits", "4"],
    "W4A4, first and last 8": ["--weight-bits", "4", "--activation-bits", "4", *EDGES],
    "W4A4": ["--weight-bits", "4", "--activation-bits", "4"],
}
program, names = sys.argv[1], sys.argv[2:] or ["cifar10_resnet20", "mlperf_tiny_resnet8", "mobilenet_v2", "squeezenet1.1"]
with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "q.onnx")
    for name in names:
        n = NETWORKS[name]
        halves = [("calibration", "evaluation")]
        if n.kind == "imagenet":
            halves.append(("evaluation", "calibration"))
        for setting, options in SETTINGS.items():
            drops, flips, sqnr, seconds, bounds = [], [], [], [], []
            for calibrate, judge in halves:
                start = time.time()
                adze(program, "quantize", n.model, "--data", n.data, "--split", calibrate, "--samples", 256, "--out", out, *options)
                seconds.append(time.time() - start)
                e = adze(program, "eval", out, "--data", n.data, "--split", judge, "--reference", n.model)
                drops.append(-100 * e["difference"])
                bounds.append([-100 * v for v in reversed(e["difference_ci95"])])
                flips.append(100 * e["flip_rate"])
                sqnr.append(e["sqnr_db"])
            print("%-20s %-24s drop %s  flips %s %%  SQNR %s dB  file %.3f of float  %.0f s" %
                  (name, setting, " / ".join("%.2f (%.2f to %.2f)" % (d, *b) for d, b in zip(drops, bounds)),
                   " / ".join("%.1f" % f for f in flips), " / ".join("%.1f" % s for s in sqnr),
                   os.path.getsize(out) / os.path.getsize(n.model), max(seconds)), flush=True)
