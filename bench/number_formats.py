#!/usr/bin/env python3
"""Weights alone in every number format: what accuracy they leave, with and without calibration data.

Usage: bench/number_formats.py ADZE [--formats NAME,...] [NAME ...]
Networks as in bench/low_bit.py; 64 samples of one half calibrate, all of the other judge (CIFAR-10: its 10,000 test images).
"""
import argparse
import os
import tempfile
import time

from common import NETWORKS, adze

# Format, more options.
ROWS = [("int8", []), ("int4", []), ("int4", ["--block-size", "32"]), ("int3", []), ("int3", ["--block-size", "32"]), ("int2", []),
        ("ternary", []), ("binary", []), ("fp8_e4m3", []), ("fp8_e5m2", []), ("fp6_e2m3", []), ("fp6_e3m2", []), ("fp4_e2m1", []),
        ("mxint8", []), ("mxfp8_e4m3", []), ("mxfp6_e2m3", []), ("mxfp4", []), ("nvfp4", []), ("nf4", []), ("log4", []), ("log3", []),
        ("kmeans4", []), ("kmeans3", []), ("kmeans2", [])]

parser = argparse.ArgumentParser()
parser.add_argument("adze")
parser.add_argument("--formats")
parser.add_argument("names", nargs="*", default=["cifar10_resnet20"])
options = parser.parse_intermixed_args()
wanted = options.formats.split(",") if options.formats else None
with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "q.onnx")
    for name in options.names:
        n = NETWORKS[name]
        print("| %s, format | bits per weight | file | nearest: drop, SQNR | with data: drop (95 %%), flips, SQNR | time |" % name)
        print("|---|---|---|---|---|---|")
        for fmt, more in ROWS:
            if wanted and fmt not in wanted:
                continue
            results = []
            for data in ([], ["--data", n.data, "--split", "calibration", "--samples", 64]):
                start = time.time()
                q = adze(options.adze, "quantize", n.model, "--weight-only", "--weight-format", fmt, "--out", out, *more, *data)
                seconds = time.time() - start
                e = adze(options.adze, "eval", out, "--data", n.data, "--split", "evaluation", "--reference", n.model)
                results.append((q, e, seconds))
            (_, near, _), (q, e, seconds) = results
            low, high = (-100 * v for v in reversed(e["difference_ci95"]))
            print("| %s%s | %.2f | %.3f | %.2f, %.1f dB | %.2f (%.2f to %.2f), %.1f %%, %.1f dB | %.0f s |" %
                  (fmt, " in blocks of 32" if more else "", q["bits_per_weight"], os.path.getsize(out) / os.path.getsize(n.model),
                   -100 * near["difference"], near["sqnr_db"], -100 * e["difference"], low, high, 100 * e["flip_rate"],
                   e["sqnr_db"], seconds), flush=True)
