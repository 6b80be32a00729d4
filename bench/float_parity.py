#!/usr/bin/env python3
"""Float outputs of adze beside ONNX Runtime's on identical inputs, for every network of ../shared/data.

Usage: bench/float_parity.py ADZE [MODEL.onnx ...]
Prints for each network the largest difference over its outputs, relative to the output's largest magnitude, over three
inputs; or how adze refuses it. Inputs are noise in the network's own range (0..255 where it takes raw pixels).
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort

root = pathlib.Path(__file__).resolve().parent.parent
adze = sys.argv[1]
models = sys.argv[2:] or sorted(str(p) for p in (root / "../shared/data").resolve().rglob("*.onnx"))
RAW_PIXELS = ("resnet8", "yolox", "mnist_cntk", "magika")
# Sizes for free dimensions other than the batch.
FREE = {"ppocr_mobile_v2_cls.onnx": [1, 3, 48, 192], "oww_melspectrogram.onnx": [1, 16000],
        "stories260K.onnx": [2, 24], "silero_vad.onnx": [1, 576], "silero_vad_16k_op15.onnx": [1, 576]}
options = ort.SessionOptions()
options.log_severity_level = 3


def make(arg, rng, raw, free):
    dims = [d if isinstance(d, int) and d > 0 else 1 for d in arg.shape]
    if free and len(free) == len(dims):
        dims = free
    if "int" in arg.type and raw:
        return rng.integers(0, 256, dims).astype(np.int32)
    if "int" in arg.type:
        kind = {"tensor(int32)": np.int32}.get(arg.type, np.int64)
        return rng.integers(0, 2, dims).astype(kind) if arg.name != "sr" else np.array(16000, np.int64)
    x = rng.uniform(0, 255, dims) if raw else rng.normal(0, 1, dims)
    return x.astype(np.float32)


worst_of_all = 0.0
for path in models:
    rng = np.random.default_rng(1)
    name = pathlib.Path(path).name
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the peer's refusal is part of the table
        print(f"{name:40s} onnxruntime refuses: {str(error)[:80]}")
        session = None
    worst = 0.0
    refused = None
    for _ in range(3 if session else 1):
        with tempfile.TemporaryDirectory() as folder:
            args = []
            feed = {}
            for i, arg in enumerate(session.get_inputs() if session else []):
                feed[arg.name] = make(arg, rng, any(k in name for k in RAW_PIXELS), FREE.get(name))
                np.save(f"{folder}/in{i}.npy", feed[arg.name])
                args += ["--input", f"{arg.name}={folder}/in{i}.npy"]
            done = subprocess.run([adze, "run", path, *args, "--out", f"{folder}/out", "--json"], capture_output=True,
                                  text=True)
            if done.returncode != 0:
                refused = f"exit {done.returncode}: {done.stderr.strip()}"
                break
            outputs = json.loads(done.stdout)["outputs"]
            expected = session.run(None, feed)
            for out, want in zip(outputs, expected):
                got = np.load(out["file"])
                if got.shape != np.shape(want):
                    refused = f"shape {got.shape} instead of {np.shape(want)}"
                    break
                scale = max(float(np.max(np.abs(want), initial=0)), 1e-30)
                worst = max(worst, float(np.max(np.abs(got.astype(np.float64) - want), initial=0)) / scale)
    if refused:
        print(f"{name:40s} {refused[:200]}")
    else:
        worst_of_all = max(worst_of_all, worst)
        print(f"{name:40s} {worst:.2e}{'  ABOVE 1e-4' if worst > 1e-4 else ''}")
print(f"largest relative difference: {worst_of_all:.2e}")
