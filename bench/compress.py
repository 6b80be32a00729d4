#!/usr/bin/env python3
"""adze compress: rungs tried, what they cost, and the time. Classifiers with budgets of 1, 0.5 and 0.1 points, calibrated on one
half of the images and judged on the other; an auto-encoder and detectors, which have no rate, with two budgets of SQNR each.

Usage: bench/compress.py ADZE [NAME ...]   Networks: mobilenet_v2 squeezenet1.1, mlperf_tiny_ad01 ultraface_rfb_320 fastestdet
yolox_nano (without names: all).
"""
import json
import os
import subprocess
import sys
import tempfile
import time

from common import BENCH, DATA, NETWORKS

POINTS = ("mobilenet_v2", "squeezenet1.1")
SQNR = {"mlperf_tiny_ad01": ("models", "ad01.yaml", 45, 50), "ultraface_rfb_320": ("detect", "ultraface.yaml", 45, 52),
        "fastestdet": ("detect", "fastestdet.yaml", 15, 20), "yolox_nano": ("detect", "yolox_nano.yaml", 15, 20)}


def compress(program, model, data, *budget):
    """(result, layers in float, seconds)"""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        p = subprocess.run([program, "compress", model, "--data", data, *map(str, budget), "--out", folder, "--threads", "1",
                            "--json"], capture_output=True, text=True)
        seconds = time.monotonic() - start
        if p.returncode not in (0, 1):
            sys.exit(p.stderr)
        with open(os.path.join(folder, "evidence.json")) as f:
            layers = json.load(f)["layers"]
    return json.loads(p.stdout), [x["name"] for x in layers if x["precision"] == "float"], seconds


def costs(r, chosen, seconds):
    before, after = r["before"], r["after"]
    return "%.3f | %.2f | %.2f -> %.2f ms | %.1f %% | %.0f s |" % (
        after["size_bytes"] / before["size_bytes"], after["memory_bytes"] / before["memory_bytes"],
        before["latency"]["p50_ms"], after["latency"]["p50_ms"], 100 * chosen["int8_macs_share"], seconds)


def main():
    program, names = sys.argv[1], sys.argv[2:] or [*POINTS, *SQNR]
    head = "size | memory | latency, float -> compressed | int8 MACs | time |\n|---|---|---|---|---|---|---|---|---|---|---|"
    points = [n for n in names if n in POINTS]
    if points:
        print("| network | budget (points) | rungs | in float | drop (95 %) | flips | " + head)
    for name in points:
        n = NETWORKS[name]
        for budget in 1.0, 0.5, 0.1:
            r, kept, seconds = compress(program, n.model, n.data, "--max-drop", budget)
            last = next(x for x in r["rungs"] if x["chosen"])
            low, high = last["drop_ci95_points"]
            print("| %s | %.1f | %d | %s | %.2f (%.2f to %.2f)%s | %.2f %% | %s" % (
                name, budget, len(r["rungs"]), ", ".join(kept) or "-", last["drop_points"], low, high,
                "" if r["met"] else ", not met", 100 * last["flip_rate"], costs(r, last, seconds)), flush=True)
    sqnr = [n for n in names if n in SQNR]
    if sqnr:
        print("\n| network | budget (dB) | rungs | layers in float | SQNR, int8 -> chosen | metric | " + head)
    for name in sqnr:
        folder, data, *budgets = SQNR[name]
        for budget in budgets:
            r, kept, seconds = compress(program, os.path.join(DATA, folder, name + ".onnx"),
                                        os.path.join(BENCH, "data", data), "--min-sqnr", budget)
            last = next(x for x in r["rungs"] if x["chosen"])
            values = [r[side]["value"] for side in ("before", "after")]
            print("| %s | %d | %d | %d | %.1f -> %.1f%s | %s | %s" % (
                name, budget, len(r["rungs"]), len(kept), r["rungs"][0]["sqnr_db"], last["sqnr_db"],
                "" if r["met"] else ", not met", "SQNR" if "inf" in values else "mse %.3f -> %.3f" % tuple(values),
                costs(r, last, seconds)), flush=True)


main()
