#!/usr/bin/env python3
"""Time of gradients: the forward run, with the gradient of the input, with those of all weights as well; and of Fisher information.

usage: bench/gradients.py BUILD MODEL.onnx DATA.yaml SPLIT SAMPLES ...     BUILD is the build folder
One thread, batch 1, medians in ms of ROUNDS alternating rounds of `adze bench`; Fisher information with two threads.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 7


def median_ms(adze, graph):
    out = subprocess.run([adze, "bench", graph, "--threads", "1", "--min-time", "0.3", "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)["p50_ms"]


def main():
    build, rest = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        for model, data, split, samples in zip(*(rest[i::4] for i in range(4))):
            graphs = {"forward": model}
            for what in ("inputs", "all"):
                graphs[what] = f"{folder}/{what}.adzir"
                subprocess.run([f"{build}/tests/interop/adze_differentiate_model", model, what, graphs[what]], check=True)
            times = {what: [] for what in graphs}
            for _ in range(ROUNDS):
                for what, graph in graphs.items():
                    times[what].append(median_ms(f"{build}/src/cli/adze", graph))
            ms = {what: statistics.median(t) for what, t in times.items()}
            print(os.path.basename(model), " ".join(f"{w} {t:.2f} ms ({t / ms['forward']:.1f} x)" for w, t in ms.items()))
            out = subprocess.run([f"{build}/tests/interop/adze_fisher", model, data, split, samples, "2"], capture_output=True, text=True, check=True)
            print(f"  Fisher information of {len(out.stdout.splitlines()) - 1} layers, {samples} samples: {out.stdout.splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    main()
