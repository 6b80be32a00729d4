#!/usr/bin/env python3
"""Time of gradients beside PyTorch's autograd on the same networks, one thread, batch 1, alternating rounds.

usage: bench/gradients.py BUILD MODEL.onnx SHAPE ...     needs torch, numpy and onnx; SHAPE as 1,3,32,32
BUILD is the build folder (src/cli/adze and tests/interop/adze_differentiate_model in it). Prints the medians in ms of the forward run,
of forward and the gradient with respect to the input, and the same with all weights as well; then the ratio of the medians to torch.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import json
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "interop"))
import gradients_vs_torch as interop  # noqa: E402

ROUNDS = 7
torch.set_num_threads(1)


def torch_ms(work):
    times = []
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def adze_ms(adze, graph):
    out = subprocess.run([adze, "bench", graph, "--threads", "1", "--min-time", "0.3", "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)["p50_ms"]


def main():
    build, rest = sys.argv[1], sys.argv[2:]
    adze = f"{build}/src/cli/adze"
    with tempfile.TemporaryDirectory() as folder:
        for model, shape in zip(rest[::2], rest[1::2]):
            x = torch.rand(tuple(map(int, shape.split(","))))
            run, weights = interop.prepare(model)

            def backward(leaves, run=run, x=x):
                y = run(x)
                torch.autograd.grad(y, leaves, torch.ones_like(y), allow_unused=True)

            def forward(run=run, x=x):
                with torch.no_grad():
                    run(x)

            works = {"forward": forward}
            graphs = {"forward": model}
            for what in ("inputs", "all"):
                graphs[what] = f"{folder}/{what}.adzir"
                subprocess.run([f"{build}/tests/interop/adze_differentiate_model", model, what, graphs[what]], check=True)
            x.requires_grad_(True)
            works["inputs"] = lambda: backward([x])
            works["all"] = lambda: backward([x, *weights])
            for what, graph in graphs.items():
                for w in weights:
                    w.requires_grad_(what == "all")
                ours, theirs = [], []
                for _ in range(ROUNDS):
                    ours.append(adze_ms(adze, graph))
                    theirs.append(torch_ms(works[what]))
                a, t = statistics.median(ours), statistics.median(theirs)
                print(f"{os.path.basename(model):24} {what:8} adze {a:8.2f} ms, torch {t:8.2f} ms, ratio {a / t:.2f}", flush=True)


if __name__ == "__main__":
    main()
