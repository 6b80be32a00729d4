#!/usr/bin/env python3
"""From a file to the first result: adze on .adz and .onnx beside ONNX Runtime, alternating.

Usage: bench/startup.py ADZE [--network NAME] [--pairs N]   (NAME of bench/common.py; default mobilenet_v2, 15 rounds)

Every row is a process of its own with one thread, batch 1, files in the page cache:
  process    wall time of the whole process, from fork to exit: start, load, one run, output written by adze
  load, run  inside the process: file to ready, and the first run (adze bench; for ONNX Runtime InferenceSession and run)
  resident   VmHWM, the most memory it ever had in RAM, and Pss of the mapped network file, shared pages counted in parts
ONNX Runtime needs a Python process here; the time of a process that only imports numpy is subtracted from its `process` (import of
onnxruntime, session, run and exit remain), and its `load, run` contain neither interpreter nor imports.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import common

# Loads and runs once; prints milliseconds and kilobytes.
ORT = """
import sys, time, json
import numpy as np
import onnxruntime as ort
x = np.load(sys.argv[2])
start = time.perf_counter()
o = ort.SessionOptions()
o.intra_op_num_threads = 1
o.log_severity_level = 3
if sys.argv[3] == "optimized": o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
s = ort.InferenceSession(sys.argv[1], o, providers=["CPUExecutionProvider"])
loaded = time.perf_counter()
s.run(None, {s.get_inputs()[0].name: x})
ran = time.perf_counter()
hwm = [l for l in open("/proc/self/status") if l.startswith("VmHWM")][0].split()[1]
print(json.dumps({"load_ms": (loaded - start) * 1e3, "first_ms": (ran - loaded) * 1e3, "hwm_mb": int(hwm) / 1e3}))
"""
NUMPY = "import sys, time, json\nimport numpy as np\nx = np.load(sys.argv[1])\n"


def timed(*command):
    start = time.perf_counter()
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("%s: %s" % (" ".join(map(str, command)), done.stderr))
    return (time.perf_counter() - start) * 1e3, done.stdout


def pss_mb(adze, path):
    """(Pss of two processes' mappings of the file together, what they would take unshared) while both hold it."""
    running = [subprocess.Popen([adze, "bench", path, "--threads", "1", "--min-time", "3"], stdout=subprocess.DEVNULL)
               for _ in range(2)]
    time.sleep(1.5)
    pss = rss = 0
    for p in running:
        inside = False
        for line in open("/proc/%d/smaps" % p.pid):
            words = line.split()
            if "-" in words[0]:
                inside = words[-1] == os.path.realpath(path)
            elif inside and words[0] in ("Pss:", "Rss:"):
                if words[0] == "Pss:":
                    pss += int(words[1])
                else:
                    rss += int(words[1])
    for p in running:
        p.kill()
        p.wait()
    return pss / 1e3, rss / 1e3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--network", default="mobilenet_v2")
    parser.add_argument("--pairs", type=int, default=15)
    a = parser.parse_args()
    a.adze = os.path.realpath(a.adze)
    network = common.NETWORKS[a.network]
    with tempfile.TemporaryDirectory() as folder:
        onnx, adz, x, best = (os.path.join(folder, n) for n in ("q.onnx", "q.adz", "x.npy", "optimized.onnx"))
        common.adze(a.adze, "quantize", network.model, "--data", network.data, "--split", "calibration", "--samples", 64,
                    "--out", onnx)
        common.adze(a.adze, "convert", onnx, "--out", adz)
        sample = network.read("calibration", 1)[0][0][None]
        np.save(x, sample)
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = best
        name = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"]).get_inputs()[0].name
        print("%s int8: %s" % (a.network, ", ".join(
            "%s %.2f MB" % (os.path.basename(p), os.path.getsize(p) / 1e6) for p in (onnx, adz, best))))
        rows = {"adze .adz": adz, "adze .onnx": onnx, "ONNX Runtime .onnx": onnx, "ONNX Runtime, optimised file": best}
        seen = {row: [] for row in rows}
        for _ in range(a.pairs):
            idle, _ = timed(sys.executable, "-c", NUMPY, x)
            for row, path in rows.items():
                if row.startswith("adze"):
                    process, _ = timed(a.adze, "run", path, "--input", "%s=%s" % (name, x), "--threads", 1)
                    inside = common.adze(a.adze, "bench", path, "--threads", 1, "--min-time", 0)
                    inside["hwm_mb"] = inside["peak_rss_bytes"] / 1e6
                else:
                    kind = "optimized" if path == best else "plain"
                    process, out = timed(sys.executable, "-c", ORT, path, x, kind)
                    inside = json.loads(out)
                    process -= idle
                seen[row].append((process, inside["load_ms"], inside["first_ms"], inside["hwm_mb"]))
        print("%-30s %18s %16s %16s %18s" % ("median (best), ms", "process", "load", "first run", "resident MB"))
        for row, numbers in seen.items():
            cells = ["%.2f (%.2f)" % (statistics.median(c), min(c)) for c in zip(*numbers)]
            print("%-30s %18s %16s %16s %18s" % (row, *cells))
        pss, rss = pss_mb(a.adze, adz)
        print("two processes on q.adz: %.2f MB of its pages in memory (Pss), mapped %.2f MB (Rss)" % (pss, rss))


main()
