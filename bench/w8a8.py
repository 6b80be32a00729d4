#!/usr/bin/env python3
"""W8A8 by default settings: calibrated on one half of the data, judged on the other, and swapped, for several calibration
sizes: single runs scatter (a flip is one image of 500), their mean does not.

Usage: bench/w8a8.py ADZE [NAME ...]   Networks: mobilenet_v2 squeezenet1.1 mobilenet_edgetpu (halves swapped, 200 to 500
samples), cifar10_resnet20 mlperf_tiny_resnet8 (256 training images, the 10,000 test images).
"""
import os
import statistics
import sys
import tempfile

from common import NETWORKS, adze

SIZES = [200, 256, 320, 400, 500]
program, names = sys.argv[1], sys.argv[2:] or ["mobilenet_v2", "squeezenet1.1", "cifar10_resnet20"]
with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "q.onnx")
    for name in names:
        n = NETWORKS[name]
        halves = [("calibration", "evaluation")]
        if n.kind == "imagenet":
            halves.append(("evaluation", "calibration"))
        flips, drops = [], []
        for samples in SIZES if len(halves) == 2 else [256]:
            for calibrate, judge in halves:
                q = adze(program, "quantize", n.model, "--data", n.data, "--split", calibrate, "--samples", samples, "--out", out)
                e = adze(program, "eval", out, "--data", n.data, "--split", judge, "--reference", n.model)
                low, high = e["difference_ci95"]
                flips.append(e["flip_rate"])
                drops.append(-e["difference"])
                print("%-20s %4d samples of %-11s -> %-11s  top-1 %.2f -> %.2f  drop %.2f [%.2f, %.2f]  flips %.2f %%  SQNR %.2f dB"
                      "  int8 MACs %.3f  file %.3f" %
                      (name, samples, calibrate, judge, 100 * e["reference_value"], 100 * e["value"], -100 * e["difference"],
                       -100 * high, -100 * low, 100 * e["flip_rate"], e["sqnr_db"], q["int8_macs_share"],
                       os.path.getsize(out) / os.path.getsize(n.model)), flush=True)
        print("%-20s mean of %d: flips %.2f %% (%.1f to %.1f), drop %.2f points (%.1f to %.1f)" %
              (name, len(flips), 100 * statistics.mean(flips), 100 * min(flips), 100 * max(flips), 100 * statistics.mean(drops),
               100 * min(drops), 100 * max(drops)), flush=True)
