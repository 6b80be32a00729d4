#!/usr/bin/env python3
"""Latency of adze beside ONNX Runtime on the same files, alternating, one and two threads, batch 1.

Usage: bench/latency.py ADZE MODEL.onnx ...   Prints median and best in ms and the ratio adze / ONNX Runtime of the medians
over PAIRS alternating rounds of about 0.2 s each.
"""
import json
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort

PAIRS = 7
adze, models = sys.argv[1], sys.argv[2:]
for path in models:
    for threads in (1, 2):
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feed = {i.name: np.random.default_rng(0).random([d if isinstance(d, int) else 1 for d in i.shape], np.float32)
                for i in session.get_inputs()}
        session.run(None, feed)
        ours, theirs, ratios = [], [], []
        for _ in range(PAIRS):
            out = subprocess.run([adze, "bench", path, "--threads", str(threads), "--min-time", "0.2", "--json"],
                                 capture_output=True, text=True, check=True)
            r = json.loads(out.stdout)
            times = []
            end = time.perf_counter() + 0.2
            while time.perf_counter() < end or len(times) < 3:
                start = time.perf_counter()
                session.run(None, feed)
                times.append((time.perf_counter() - start) * 1000)
            ours.append((r["p50_ms"], r["min_ms"]))
            theirs.append((statistics.median(times), min(times)))
            ratios.append(r["p50_ms"] / statistics.median(times))
        print(f"{path.split('/')[-1]:36s} {threads} thread(s): adze {statistics.median(x[0] for x in ours):8.3f} "
              f"(best {min(x[1] for x in ours):7.3f})  onnxruntime {statistics.median(x[0] for x in theirs):8.3f} "
              f"(best {min(x[1] for x in theirs):7.3f})  ratio {statistics.median(ratios):.2f}", flush=True)
