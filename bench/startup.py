#!/usr/bin/env python3
"""From a file to the first result: adze on .adz and .onnx beside ONNX Runtime, alternating.

Usage: bench/startup.py ADZE [--networks NAME,...] [--rounds N]

ADZE is the program in its build folder, from which the library is installed into a temporary place. Every measurement is a new process: one thread,
one real image, files in the page cache. Both runtimes are used from the same C program (bench/startup/main.c) through their C interfaces, ONNX
Runtime from the library in its Python package, so no row contains an interpreter; what Python adds is printed behind the table.
  result         from starting the process until the first byte of its result arrives
  library        loading the runtime's library and making its environment, where that is a call
  load, run      from the file to a network that can run, and the first run
  resident       the most memory in RAM (VmHWM); of it written by this process alone (Private_Dirty): the rest is files, shared by all who map them
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime as ort

import common

ORT_LIBRARY, = glob.glob(os.path.join(os.path.dirname(ort.__file__), "capi", "libonnxruntime.so.*"))


def start(*command, **environment):
    """(milliseconds to the first byte, all that was written)"""
    command = [str(c) for c in command]
    reader, writer = os.pipe()
    began = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, {**os.environ, **environment}, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)])
    os.close(writer)
    first = os.read(reader, 1)
    took = (time.perf_counter() - began) * 1e3
    with os.fdopen(reader, "rb") as rest:
        text = (first + rest.read()).decode()
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit("failed: " + " ".join(command))
    return took, text


def build(adze, folder):
    source = os.path.join(common.BENCH, "startup")
    for command in (["cmake", "--install", os.path.join(os.path.dirname(adze), "..", ".."), "--prefix", folder + "/prefix"],
                    ["cmake", "-S", source, "-B", folder + "/b", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_PREFIX_PATH=%s/prefix" % folder],
                    ["cmake", "--build", folder + "/b"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    os.sync()  # pages of a program that are not on disk yet would count as written by who runs it


def save_optimized(onnx, path):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = path
    if path.endswith(".ort"):
        options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def shared_mb(command, path):
    """Of two processes that run it at once: (pages of the file in memory, what they would take if each had its own)."""
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    time.sleep(1.5)
    total = {"Pss:": 0, "Rss:": 0}
    for p in running:
        inside = False
        for line in open("/proc/%d/smaps" % p.pid):
            words = line.split()
            if not words[0].endswith(":"):
                inside = words[-1] == os.path.realpath(path)
            elif inside and words[0] in total:
                total[words[0]] += int(words[1]) / 1e3
    for p in running:
        p.kill()
        p.wait()
    return total["Pss:"], total["Rss:"]


def measure(adze, network, folder, rounds):
    path = lambda name: os.path.join(folder, name)  # noqa: E731
    common.adze(adze, "quantize", network.model, "--data", network.data, "--split", "calibration", "--samples", 64, "--reduce-range",
                "--out", path("q.onnx"))
    common.adze(adze, "convert", path("q.onnx"), "--out", path("q.adz"))
    save_optimized(path("q.onnx"), path("optimized.onnx"))
    save_optimized(path("q.onnx"), path("optimized.ort"))
    x = network.read("calibration", 1)[0][0][None]
    x.tofile(path("x.raw"))
    np.save(path("x.npy"), x)
    name = ort.InferenceSession(path("q.onnx"), providers=["CPUExecutionProvider"]).get_inputs()[0].name
    print("\n%s int8: %s" % (network.name, ", ".join(
        "%s %.2f MB" % (f, os.path.getsize(path(f)) / 1e6) for f in ("q.onnx", "q.adz", "optimized.onnx", "optimized.ort"))))
    rows = [("adze .adz", "startup_adze", "q.adz", {}), ("adze .onnx", "startup_adze", "q.onnx", {}),
            ("ONNX Runtime .onnx", "startup_ort", "q.onnx", {}),
            ("ONNX Runtime optimised .onnx", "startup_ort", "optimized.onnx", {"ORT_OPTIMIZED": "1"}),
            ("ONNX Runtime optimised .ort", "startup_ort", "optimized.ort", {"ORT_OPTIMIZED": "1"})]
    seen = {row[0]: [] for row in rows}
    seen["adze run (program), .adz"] = []
    answers = {}
    for _ in range(rounds):
        for row, program, file, environment in rows:
            took, text = start(path("b/" + program), path(file), name, path("x.raw"), *x.shape, ORT_LIBRARY=ORT_LIBRARY, **environment)
            answers[row], numbers = text.splitlines()
            n = json.loads(numbers)
            seen[row].append((took, n["library_ms"], n["load_ms"], n["first_ms"], n["peak_kb"] / 1e3, n["private_dirty_kb"] / 1e3))
        took, _ = start(adze, "run", path("q.adz"), "--input", "%s=%s" % (name, path("x.npy")), "--threads", 1)
        seen["adze run (program), .adz"].append((took,))
    if answers["adze .adz"] != answers["adze .onnx"]:
        sys.exit("adze's files disagree: %s" % answers)
    print("%-30s %17s %17s %17s %17s %12s %12s   largest output" % ("median (best), ms and MB", "result", "library", "load", "run", "resident",
                                                                   "written"))
    for row, measured in seen.items():
        columns = list(zip(*measured))
        cells = ["%.2f (%.2f)" % (statistics.median(c), min(c)) for c in columns[:4]] + ["%.2f" % statistics.median(c) for c in columns[4:]]
        print("%-30s" % row, " ".join(c.rjust(w) for c, w in zip(cells, (17, 17, 17, 17, 12, 12))), " ", answers.get(row, ""))
    for peer in [row[0] for row in rows[2:]]:
        pairs = [[a[i] / b[i] for a, b in zip(seen["adze .adz"], seen[peer])] for i in (0, 4, 5)]
        print(".adz / %-30s result %.3f, resident %.3f, written %.3f" % ((peer,) + tuple(statistics.median(p) for p in pairs)))
    command = [adze, "bench", path("q.adz"), "--threads", "1", "--min-time", "3"]
    print("two processes on q.adz: %.2f MB of it in memory, %.2f MB if they did not share" % shared_mb(command, path("q.adz")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--networks", default="mobilenet_v2,squeezenet1.1,mlperf_tiny_resnet8")
    parser.add_argument("--rounds", type=int, default=30)
    a = parser.parse_args()
    adze = os.path.realpath(a.adze)
    with tempfile.TemporaryDirectory() as folder:
        build(adze, folder)
        for name in a.networks.split(","):
            measure(adze, common.NETWORKS[name], folder, a.rounds)
    print("\nprocesses that only start (not part of the rows above), median (best) ms:")
    for what, command in (("adze --version", [adze, "--version"]), ("python", [sys.executable, "-c", "print()"]),
                          ("python, import onnxruntime", [sys.executable, "-c", "import onnxruntime; print()"])):
        times = [start(*command)[0] for _ in range(a.rounds)]
        print("  %-28s %.2f (%.2f)" % (what, statistics.median(times), min(times)))


main()
