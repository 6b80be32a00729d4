#!/usr/bin/env python3
"""adze compress with budgets of 1, 0.5 and 0.1 points: rungs tried, what they cost, and the time.

Usage: bench/compress.py ADZE [NAME ...]   Networks: mobilenet_v2 squeezenet1.1 (calibrated on one half of the images, judged
on the other).
"""
import json
import os
import subprocess
import sys
import tempfile
import time

from common import NETWORKS

program, names = sys.argv[1], sys.argv[2:] or ["mobilenet_v2", "squeezenet1.1"]
print("| network | budget | rungs | in float | drop (95 %) | flips | size | memory | latency, float -> compressed | int8 MACs | time |")
print("|---|---|---|---|---|---|---|---|---|---|---|")
for name in names:
    n = NETWORKS[name]
    for budget in 1.0, 0.5, 0.1:
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            p = subprocess.run([program, "compress", n.model, "--data", n.data, "--max-drop", str(budget), "--out", folder,
                                "--threads", "1", "--json"], capture_output=True, text=True)
            seconds = time.monotonic() - start
            if p.returncode not in (0, 1):
                sys.exit(p.stderr)
            r = json.loads(p.stdout)
            with open(os.path.join(folder, "evidence.json")) as f:
                layers = {x["name"]: x for x in json.load(f)["layers"]}
        kept = [x["name"] for x in layers.values() if x["precision"] == "float"]
        last = next(x for x in r["rungs"] if x["chosen"])
        low, high = last["drop_ci95_points"]
        before, after = r["before"], r["after"]
        print("| %s | %.1f | %d | %s | %.2f (%.2f to %.2f)%s | %.2f %% | %.3f | %.2f | %.2f -> %.2f ms | %.1f %% | %.0f s |" %
              (name, budget, len(r["rungs"]), ", ".join(kept) or "-", last["drop_points"], low, high,
               "" if r["met"] else ", not met", 100 * last["flip_rate"], after["size_bytes"] / before["size_bytes"],
               after["memory_bytes"] / before["memory_bytes"], before["latency"]["p50_ms"], after["latency"]["p50_ms"],
               100 * last["int8_macs_share"], seconds), flush=True)
