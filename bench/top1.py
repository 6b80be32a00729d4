#!/usr/bin/env python3
"""The float networks of ../shared/data on their labelled data, through adze's own reading of images and numbers, beside the
figures that ../shared/data/MANIFEST.md measured with ONNX Runtime and Pillow.

Usage: bench/top1.py ADZE [NAME ...]
Bar: at most 1 decision in 1000 differs, so the figures differ by at most 0.1 points (and half the last digit of the manifest).
"""
import os
import sys
import tempfile
import wave

import numpy as np

from common import BENCH, DATA, adze, ort_session

# name: (model, data set, split, metric of `adze eval`, figure of the manifest, factor to its unit)
EVALUATED = {
    "mobilenet_v2": ("models/mobilenet_v2.onnx", "imagenet.yaml", "all", "top1", 82.3, 100),
    "mobilenet_v2, top-5": ("models/mobilenet_v2.onnx", "imagenet.yaml", "all", "top5", 96.0, 100),
    "squeezenet1.1": ("models/squeezenet1.1.onnx", "imagenet.yaml", "all", "top1", 61.1, 100),
    "squeezenet1.1, top-5": ("models/squeezenet1.1.onnx", "imagenet.yaml", "all", "top5", 82.9, 100),
    "mobilenet_edgetpu": ("models/mobilenet_edgetpu_0.75_deqPTQ.onnx", "imagenet_edgetpu.yaml", "all", "top1", 84.4, 100),
    "mobilenet_edgetpu, top-5": ("models/mobilenet_edgetpu_0.75_deqPTQ.onnx", "imagenet_edgetpu.yaml", "all", "top5", 97.0,
                                 100),
    "cifar10_resnet20": ("models/cifar10_resnet20.onnx", "cifar10_resnet20.yaml", "evaluation", "top1", 81.03, 100),
    "mlperf_tiny_resnet8": ("models/mlperf_tiny_resnet8.onnx", "cifar10_resnet8.yaml", "evaluation", "top1", 75.48, 100),
    "mnist_cntk": ("models/mnist_cntk.onnx", "mnist.yaml", "evaluation", "top1", 98.91, 100),
    "mlperf_tiny_vww": ("models/mlperf_tiny_vww.onnx", "vww.yaml", "all", "top1", 85.0, 100),
    "mlperf_tiny_ad01, MSE": ("models/mlperf_tiny_ad01.onnx", "ad01.yaml", "all", "mse", 9.7073, 1),
    "magika_v3_3": ("misc/magika_v3_3.onnx", "magika.yaml", "all", "top1", 95.56, 100),
}


def keyword_transformer(program, folder):
    """Decisions of kwt1 on 591 windows of one second against the manifest's own logits; MFCC made by ONNX Runtime."""
    with wave.open(os.path.join(DATA, "audio", "silero_test.wav")) as w:
        sound = np.frombuffer(w.readframes(w.getnframes()), np.int16).astype(np.float32) / 32768
    front = ort_session(os.path.join(DATA, "audio", "kwt1_frontend.onnx"))
    windows = np.stack([front.run(None, {"audio": sound[None, i * 1600:i * 1600 + 16000]})[0] for i in range(591)])
    logits = np.fromfile(os.path.join(DATA, "audio", "kwt1_ref_logits.f32"), np.float32).reshape(591, 12)
    np.save(os.path.join(folder, "mfcc.npy"), windows)
    np.save(os.path.join(folder, "class.npy"), logits.argmax(1).astype(np.int64))
    with open(os.path.join(folder, "kwt1.yaml"), "w") as f:
        f.write("kind: npy\nfile: mfcc.npy\nbatched: false\nlabels: {from: npy, file: class.npy}\n")
    found = adze(program, "eval", os.path.join(DATA, "audio", "kwt1.onnx"), "--data", os.path.join(folder, "kwt1.yaml"))
    return 100 * found["value"], found["samples"]


def hit_ratio(program, folder):
    """Leave-one-out: is the item a user chose among the 10 best of it and 99 others? It loses ties, as in the paper's code."""
    tabular = os.path.join(DATA, "tabular")
    chosen = [int(line.split()[1]) for line in open(os.path.join(tabular, "ml-1m.test.rating"))]
    others = [list(map(int, line.split()[1:])) for line in open(os.path.join(tabular, "ml-1m.test.negative"))]
    items = np.array([[c, *o] for c, o in zip(chosen, others)], np.int64)
    np.save(os.path.join(folder, "item.npy"), items.reshape(-1))
    np.save(os.path.join(folder, "user.npy"), np.repeat(np.arange(len(items), dtype=np.int64), items.shape[1]))
    run = adze(program, "run", os.path.join(tabular, "ncf_mlp_ml1m.onnx"), "--out", folder,
               *[word for n in ("user", "item") for word in ("--input", "%s=%s" % (n, os.path.join(folder, n + ".npy")))])
    score = np.load(run["outputs"][0]["file"]).reshape(items.shape)
    return 100 * np.mean((score[:, 1:] >= score[:, :1]).sum(1) < 10), len(items)


def next_token(program, folder):
    """Share of tokens that stories260K expects, story by story."""
    tokens = np.fromfile(os.path.join(DATA, "llm", "tinystories_valid.tokens.bin"), np.uint16).astype(np.int64)
    right = total = 0
    for story in np.split(tokens, np.flatnonzero(tokens == 1)):
        if len(story) < 2:
            continue
        np.save(os.path.join(folder, "tokens.npy"), story[None, :512])
        run = adze(program, "run", os.path.join(DATA, "llm", "stories260K.onnx"), "--input",
                   "tokens=" + os.path.join(folder, "tokens.npy"), "--out", folder)
        guess = np.load(run["outputs"][0]["file"])[0].argmax(1)
        right += np.count_nonzero(guess[:-1] == story[1:512])
        total += len(story[1:512])
    return 100 * right / total, total


# name: (function, figure)
OTHERS = {"kwt1, decisions of its logits": (keyword_transformer, 100.0),
          "ncf_mlp_ml1m, hit ratio at 10": (hit_ratio, 67.04),
          "stories260K, next token": (next_token, 56.03)}


def main():
    program, names = sys.argv[1], sys.argv[2:]
    for name, row in {**EVALUATED, **OTHERS}.items():
        if names and not any(n in name for n in names):
            continue
        if name in EVALUATED:
            model, data, split, metric, figure, factor = row
            found = adze(program, "eval", os.path.join(DATA, model), "--data", os.path.join(BENCH, "data", data), "--split",
                         split, "--metric", metric)
            value, samples = found["value"] * factor, found["samples"]
        else:
            with tempfile.TemporaryDirectory() as folder:
                value, samples = row[0](program, folder)
            figure = row[1]
        digits = len(("%s" % figure).split(".")[1])
        verdict = "" if abs(value - figure) <= 0.1 + 0.5 * 10**-digits else "  ABOVE THE BAR"
        print("%-32s %8.4f  manifest %8s  difference %+.4f  of %d%s" % (name, value, figure, value - figure, samples, verdict),
              flush=True)


if __name__ == "__main__":
    main()
