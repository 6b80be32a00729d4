"""The files that `adze quantize` writes, in ONNX Runtime and in adze: the outputs agree within one step.

usage: quantized_vs_ort.py PATH_OF_adze
Runs by ctest where a Python with numpy, onnx and onnxruntime is found. ONNX Runtime computes a Q/DQ graph in float
between the grids (its fusions are switched off here), so a sum that lies between two steps may be rounded to the other
one; more than one step is an error of the file or of a kernel.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import SIZE, small_network, write  # noqa: E402

ADZE = os.path.abspath(sys.argv[1])


def adze(*arguments):
    return subprocess.run([ADZE, *arguments], check=True, stdout=subprocess.PIPE).stdout


def ort_session(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def check(form, extra, x, least_db=25):
    adze("quantize", "net.adzir", "--data", "data.yaml", "--calibration", "minmax", "--out", "q.onnx", "--encodings",
         "q.encodings.json", "--form", form, *extra)
    onnx.checker.check_model("q.onnx", full_check=True)
    adze("run", "q.onnx", "--input", "x=x.npy", "--out", "out")
    ours = np.load("out/y.npy")
    theirs = ort_session("q.onnx").run(None, {"x": x})[0]
    # Without an encoding of its own the result is float32, and a step is that of a result of 8 bits.
    with open("q.encodings.json") as f:
        y = json.load(f)["tensors"].get("y")
    step = y["scale"] if y else np.ptp(ours) / 255
    steps = np.abs(ours - theirs) / step
    print("%s %s: largest difference %.3f steps, %.2f %% of %d numbers differ" %
          (form, " ".join(extra), steps.max(), 100 * np.mean(steps > 0.01), steps.size))
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    assert steps.max() < 1.01, "more than one step"
    assert np.ptp(ours) > 20 * step, "the outputs say nothing: they are all alike"
    float_y = ort_session("net.onnx").run(None, {"x": x})[0]
    sqnr = 10 * np.log10(np.sum(float_y**2) / np.sum((float_y - theirs)**2))
    print("  SQNR in ONNX Runtime against its float run: %.1f dB" % sqnr)
    assert sqnr > least_db


def check_weight_only(name, extra, x):
    adze("quantize", "net.adzir", "--weight-only", "--weight-format", name, "--out", "w.onnx", *extra)
    onnx.checker.check_model("w.onnx", full_check=True)
    adze("run", "w.onnx", "--input", "x=x.npy", "--out", "out")
    ours = np.load("out/y.npy")
    theirs = ort_session("w.onnx").run(None, {"x": x})[0]
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    print("weights in %s %s: relative difference %.1e" % (name, " ".join(extra), error))
    assert error < 1e-5


def main():
    x = np.random.default_rng(5).normal(size=(64, 3, SIZE, SIZE)).astype(np.float32)
    np.save("x.npy", x)
    np.save("samples.npy", x[:32])
    write("net.adzir", small_network())
    write("data.yaml", "kind: npy\nfile: samples.npy\n")
    adze("opt", "net.adzir", "--out", "net.onnx")
    with open("/proc/cpuinfo") as f:
        saturates = "vnni" not in f.read()
    for form in "qdq", "qoperator":
        for extra in [], ["--symmetric"], ["--no-float-tail"], ["--reduce-range"]:
            # Without VNNI, ONNX Runtime's integer kernels add pairs of products in 16 bits.
            if saturates and form == "qoperator" and "--reduce-range" not in extra:
                extra = extra + ["--reduce-range"]
            check(form, extra, x)
    check("qdq", ["--weight-bits", "4"], x, 15)
    check("qoperator", ["--weight-bits", "3", "--reduce-range"], x, 10)
    for line in adze("list", "formats").decode().splitlines():
        name = line.split()[0]
        if name.startswith("uint"):
            continue
        for extra in [], ["--block-size", "4"]:
            check_weight_only(name, extra, x)
    check("qdq", ["--weight-bits", "4", "--activation-bits", "4", "--keep-int8", "first", "--keep-int8", "last"], x, 5)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main()
        os.chdir("/")
