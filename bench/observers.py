#!/usr/bin/env python3
"""`--calibration auto` beside every single observer: SQNR and flips on samples that calibration did not see.

Usage: bench/observers.py ADZE [NAME ...]   One line per network and observer; then `auto` minus the best single observer in
dB. Where there are at most 100 samples the halves are swapped as well and their noise is averaged: what half of them prefers
is chance.
"""
import math
import os
import sys
import tempfile

from common import BENCH, DATA, NETWORKS, adze

SWAPPED = ["mlperf_tiny_vww", "mlperf_tiny_ad01", "ultraface_rfb", "yolox_nano", "fastestdet"]
OBSERVERS = ["minmax", "averaged", "percentile", "entropy", "mse", "auto"]
# name: (model, data set, split to calibrate on, split to evaluate on)
OTHERS = {
    "mlperf_tiny_vww": ("models/mlperf_tiny_vww.onnx", "vww.yaml", "calibration", "evaluation"),
    "mlperf_tiny_ad01": ("models/mlperf_tiny_ad01.onnx", "ad01.yaml", "calibration", "evaluation"),
    "doodlenet": ("models/doodlenet.onnx", "doodlenet.yaml", "calibration", "evaluation"),
    "ultraface_rfb": ("detect/ultraface_rfb_320.onnx", "ultraface.yaml", "calibration", "evaluation"),
    "yolox_nano": ("detect/yolox_nano.onnx", "yolox_nano.yaml", "calibration", "evaluation"),
    "fastestdet": ("detect/fastestdet.onnx", "fastestdet.yaml", "calibration", "evaluation"),
    "glyphs": (os.path.join(BENCH, "..", "examples/glyphs/glyphs.onnx"), "../../examples/glyphs/glyphs.yaml", "calibration",
               "test"),
}
program, names = sys.argv[1], sys.argv[2:]
rows = {n.name: (n.model, n.data, "calibration", "evaluation") for n in NETWORKS.values()}
rows.update({k: (os.path.join(DATA, m), os.path.join(BENCH, "data", d), a, b) for k, (m, d, a, b) in OTHERS.items()})
with tempfile.TemporaryDirectory() as folder:
    for name, (model, data, calibration, evaluation) in rows.items():
        if names and name not in names:
            continue
        halves = [(calibration, evaluation)] + ([(evaluation, calibration)] if name in SWAPPED else [])
        found = {}
        for observer in OBSERVERS:
            out = os.path.join(folder, "q.onnx")
            noise = []
            for calibrate, judge in halves:
                q = adze(program, "quantize", model, "--data", data, "--split", calibrate, "--samples", 256, "--calibration",
                         observer, "--out", out)
                e = adze(program, "eval", out, "--data", data, "--split", judge, "--reference", model)
                noise.append(10 ** (-e["sqnr_db"] / 10))
                print("%-20s %-10s %s SQNR %6.2f dB  %s %s  flips %s  n=%d  %.1f s  int8 share of MACs %.3f" %
                      (name, observer, judge, e["sqnr_db"], e.get("metric"), e.get("value"), e.get("flip_rate"), e["samples"],
                       q["wall_s"], q["int8_macs_share"]), flush=True)
            found[observer] = -10 * math.log10(sum(noise) / len(noise))
        best = max(OBSERVERS[:-1], key=found.get)
        print("%-20s best single %s %.2f dB, auto %.2f dB: %+.2f dB" %
              (name, best, found[best], found["auto"], found["auto"] - found[best]), flush=True)
