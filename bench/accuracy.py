#!/usr/bin/env python3
"""adze beside every other quantizer of ONNX convolutional networks that we could run: accuracy, size, time and memory.

Usage: bench/accuracy.py [--adze PROGRAM] [--samples N] [--networks A,B] [--methods PREFIX,...] [--again PREFIX] [--table]
Measures what is missing in bench/out/accuracy.jsonl (one line per network, method and half; interrupt and repeat it at will) and
prints the table; --table prints only. --again measures methods that begin with PREFIX once more.

Same for all: the samples (adze's choice, spread evenly over the split), one thread, a process each, and the judge (judge.py).
adze's files are judged a second time in its own integer runtime, which is what a user of adze gets. Where the data are halved,
each half is calibrated on once and the judgements of both are added up. Wall time includes start and imports; the CPU time
beside it does not change with other work on the machine.
Peers live in virtual environments of their own (.venv-NAME), made on first use. ONNX Runtime's is .venv (tools/setup.sh bench).

Not among them: aimet-onnx 2.42 and amd-quark 0.13 need PyTorch, whose PyPI build for Linux brings CUDA (over 1 GB); neither was
run. neural-compressor 3.10 has no ONNX code left; its successor onnx-neural-compressor 1.0 (2024, numpy 1) needs what it
does not declare (prettytable, scipy) and was not run either.
"""
import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

import judge
from accuracy_table import table
from cases import cases
from common import BENCH, adze

OUT = os.path.join(BENCH, "out")
ROOT = os.path.dirname(BENCH)
# Rows of adze: further options of `adze quantize`. A row with an option that the program does not know is left out.
ADZE = {
    "adze": [],
    "adze --effort low": ["--effort", "low"],
    "adze --effort high": ["--effort", "high"],
    "adze --weight-bits 4": ["--weight-bits", "4"],
    "adze --weight-bits 4 --effort high": ["--weight-bits", "4", "--effort", "high"],
}
# name of the environment: what is installed there
ENVIRONMENTS = {
    "nncf": ["nncf==3.4.0", "onnx==1.20.1", "onnxruntime==1.31.1"],
}
# (row, script in bench/peers, environment or "" for .venv, options of the script)
PEERS = [("ORT %s %s per %s" % (method, short, "channel" if channel else "tensor"), "ort_static.py", "",
          {"method": method, "activations": activations, "per_channel": channel})
          for channel in (True, False) for method in ("MinMax", "Percentile", "Entropy")
          for activations, short in (("QUInt8", "u8"), ("QInt8", "s8"))]
PEERS += [("NNCF %s%s" % ("" if fast else "full bias correction ", preset.lower()), "nncf_ptq.py", "nncf",
           {"preset": preset, "fast_bias_correction": fast}) for fast in (True, False) for preset in ("PERFORMANCE", "MIXED")]


def environment(name):
    """The Python of an environment, None if it cannot be made here."""
    folder = os.path.join(ROOT, ".venv" + ("-" + name if name else ""))
    python, done = os.path.join(folder, "bin", "python"), os.path.join(folder, "installed")
    if not name:
        return sys.executable
    if not os.path.exists(done):
        print("installing %s" % " ".join(ENVIRONMENTS[name]), file=sys.stderr)
        if subprocess.run([sys.executable, "-m", "venv", folder]).returncode != 0 or subprocess.run(
                [python, "-m", "pip", "install", "-q", *ENVIRONMENTS[name]], stdout=sys.stderr).returncode != 0:
            return None
        open(done, "w").close()
    return python


def timed(run):
    """(what `run` returns, wall and CPU seconds of the processes it started)."""
    def cpu():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    start, before = time.perf_counter(), cpu()
    result = run()
    return result, {"wall_s": time.perf_counter() - start, "cpu_s": cpu() - before}


class Direction:
    """A network with one split to calibrate and one to judge on: samples, float outputs and the samples' file for peers."""

    def __init__(self, case, splits, samples, folder):
        self.case, (self.calibrate, self.evaluate) = case, splits
        calibration, _ = case.read(self.calibrate)
        if 0 < samples < len(calibration):
            calibration = calibration[[i * len(calibration) // samples for i in range(samples)]]
        self.count = len(calibration)
        self.samples = os.path.join(folder, "samples.npy")
        np.save(self.samples, calibration)
        self.inputs, self.labels = case.read(self.evaluate)
        self.images = None
        if case.detector:
            import detect
            self.images = detect.load(detect.PHOTOS)[1][0 if self.evaluate == "calibration" else 1::2]
        self.reference = judge.outputs(case.model, self.inputs)

    def row(self, method, path, cost, sums, share):
        return {"network": self.case.name, "method": method, "half": self.calibrate, "calibration_samples": self.count, **sums,
                **share, "bytes": os.path.getsize(path), "float_bytes": os.path.getsize(self.case.model), **cost,
                "date": datetime.date.today().isoformat()}

    def judged(self, method, path, cost):
        sums = judge.judge(self.case, self.reference, judge.outputs(path, self.inputs), self.labels, self.images)
        return self.row(method, path, cost, sums, judge.macs_share(path, self.inputs[0]))

    def adze(self, program, method, options, folder):
        path = os.path.join(folder, "q.onnx")
        data = ["--data", self.case.data, "--threads", 1]
        done, cost = timed(lambda: adze(program, "quantize", self.case.model, *data, "--split", self.calibrate, "--samples",
                                        self.count, "--out", path, *options))
        cost["peak_rss_bytes"] = done["peak_rss_bytes"]
        simulated = self.judged(method + " (in ONNX Runtime)", path, cost)
        if self.case.detector:
            sums = judge.judge(self.case, self.reference, self.run_adze(program, path, folder), None, self.images)
        else:
            e = adze(program, "eval", path, *data, "--split", self.evaluate, "--reference", self.case.model)
            sums = judge.judged_by_adze(e, simulated["signal"])
        return [self.row(method, path, cost, sums, {k: simulated[k] for k in ("int8", "weight_bits")}), simulated]

    def run_adze(self, program, path, folder):
        found = []
        for x in self.inputs:
            np.save(os.path.join(folder, "x.npy"), x[None])
            run = adze(program, "run", path, "--input", "%s=%s/x.npy" % (self.case.detector.input, folder), "--out", folder,
                       "--threads", 1)
            found.append({o["name"]: np.load(o["file"]) for o in run["outputs"]})
        return {n: np.concatenate([f[n] for f in found]) for n in self.reference}

    def peer(self, method, script, python, options, folder):
        path = os.path.join(folder, "q.onnx")
        command = [python, os.path.join(BENCH, "peers", script), self.case.model, self.samples, path, json.dumps(options)]
        one = {**os.environ, **{v: "1" for v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}}
        done, cost = timed(lambda: subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=one,
                                                  timeout=1800, cwd=folder))
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip().splitlines() or ["exit %d" % done.returncode])[-1])
        return [self.judged(method, path, {**cost, **json.loads(done.stdout.splitlines()[-1])})]


def measure(a, done, save):
    known = subprocess.run([a.adze, "quantize", "--help"], stdout=subprocess.PIPE, text=True).stdout
    adzes = {m: o for m, o in ADZE.items() if all(w in known for w in o if w.startswith("--"))}

    def wanted(case, method, half):
        named = not a.methods or method.startswith(tuple(a.methods.split(",")))
        again = a.again and method.startswith(a.again)
        return named and (again or (case.name, method, half) not in done)

    for case in cases(OUT):
        if a.networks and case.name not in a.networks.split(","):
            continue
        for splits in case.directions:
            mine = [m for m in adzes if wanted(case, m, splits[0])]
            others = [p for p in PEERS if wanted(case, p[0], splits[0])]
            if not mine and not others:
                continue
            with tempfile.TemporaryDirectory() as folder:
                direction = Direction(case, splits, a.samples, folder)
                jobs = [(m, lambda m=m: direction.adze(a.adze, m, adzes[m], folder)) for m in mine]
                for method, script, name, options in others:
                    python = environment(name)
                    if python is None:
                        continue
                    if name == "nncf":
                        options = {**options, "transformer": case.name.endswith("-vit")}
                    jobs.append((method, lambda m=method, s=script, p=python, o=options: direction.peer(m, s, p, o, folder)))
                for method, job in jobs:
                    try:
                        rows = job()
                    except Exception as error:  # a quantizer that fails is a result, too
                        rows = [{"network": case.name, "method": method, "half": splits[0], "error": str(error)[-300:]}]
                    for row in rows:
                        save(row)
                        print(time.strftime("%H:%M"), *[row.get(k) for k in ("network", "half", "method", "flips", "error")],
                              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adze", default=os.path.join(ROOT, "build", "src", "cli", "adze"))
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--networks", default="")
    parser.add_argument("--methods", default="")
    parser.add_argument("--again", default="")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--out", default=os.path.join(OUT, "accuracy.jsonl"))
    a = parser.parse_args()
    os.makedirs(OUT, exist_ok=True)
    done = {}
    if os.path.exists(a.out):
        for line in open(a.out):
            row = json.loads(line)
            done[row["network"], row["method"], row["half"]] = row

    def save(row):
        done[row["network"], row["method"], row["half"]] = row
        with open(a.out, "a") as f:
            f.write(json.dumps(row) + "\n")

    if not a.table:
        measure(a, done, save)
    table(done, cases(OUT))


if __name__ == "__main__":
    main()
