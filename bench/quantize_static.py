#!/usr/bin/env python3
"""adze beside ONNX Runtime's quantize_static: the same calibration images, the same evaluation images.

Usage: bench/quantize_static.py ADZE [--samples N] [--swap] [NAME ...]
ONNX Runtime: quant_pre_process, then every calibration method, per tensor and per channel, Q/DQ, uint8 activations and
int8 weights. All files run in ONNX Runtime as their nodes stand, in float (its integer kernels saturate on CPUs without VNNI,
whoever made the file), adze's in adze as well. Each quantization is a process of its own: wall time and peak
resident memory are that process's. --swap calibrates on the evaluation half instead.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from common import NETWORKS, adze, ort_outputs, score


def peak_rss():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def worker(model, inputs, method, per_channel, out):
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process
    samples = np.load(inputs)
    start = time.perf_counter()
    prepared = out + ".prepared.onnx"
    quant_pre_process(model, prepared)

    class Reader(q.CalibrationDataReader):
        def __init__(self):
            import onnx
            self.name = onnx.load(prepared).graph.input[0].name
            self.rest = iter(samples)

        def get_next(self):
            x = next(self.rest, None)
            return None if x is None else {self.name: x[None]}

    q.quantize_static(prepared, out, Reader(), quant_format=q.QuantFormat.QDQ, per_channel=per_channel,
                      activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8,
                      calibrate_method=getattr(q.CalibrationMethod, method))
    print(json.dumps({"wall_s": time.perf_counter() - start,
                      "peak_rss_bytes": peak_rss()}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--swap", action="store_true")
    parser.add_argument("--evaluate", type=int, default=0, help="evaluation samples, 0: all")
    parser.add_argument("names", nargs="*", default=[])
    a = parser.parse_intermixed_args()
    splits = ("evaluation", "calibration") if a.swap else ("calibration", "evaluation")
    for network in NETWORKS.values():
        if a.names and network.name not in a.names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            calibration, _ = network.read(splits[0], a.samples)
            np.save(os.path.join(folder, "x.npy"), np.stack(calibration))
            inputs, labels = network.read(splits[1], a.evaluate)
            reference = ort_outputs(network.model, inputs)
            float_size = os.path.getsize(network.model)
            top1, _, _ = score(network, reference, reference, labels)
            print("%s: float top-1 %.2f %% of %d, calibrated on %d" % (network.name, top1, len(labels), len(calibration)))

            def row(name, path, values, cost):
                top1, flips, sqnr = score(network, values=values, reference=reference, labels=labels)
                print("  %-34s top-1 %.2f  flips %.2f %%  SQNR %.2f dB  file %.3f of float  %.1f s  peak %.0f MB" %
                      (name, top1, flips, sqnr, os.path.getsize(path) / float_size, cost["wall_s"],
                       cost["peak_rss_bytes"] / 1e6), flush=True)

            out = os.path.join(folder, "q.onnx")
            cost = adze(a.adze, "quantize", network.model, "--data", network.data, "--split", splits[0], "--samples",
                        a.samples, "--out", out)
            e = adze(a.adze, "eval", out, "--data", network.data, "--split", splits[1], "--reference", network.model)
            print("  %-34s top-1 %.2f  flips %.2f %%  SQNR %.2f dB  file %.3f of float  %.1f s  peak %.0f MB" %
                  ("adze, run by adze (%d)" % e["samples"], 100 * e["value"], 100 * e["flip_rate"], e["sqnr_db"],
                   os.path.getsize(out) / float_size, cost["wall_s"], cost["peak_rss_bytes"] / 1e6), flush=True)
            row("adze, run by onnxruntime", out, ort_outputs(out, inputs, False), cost)
            for method in ("MinMax", "Entropy", "Percentile"):
                for per_channel in (False, True):
                    path = os.path.join(folder, "%s%d.onnx" % (method, per_channel))
                    name = "onnxruntime %s, per %s" % (method, "channel" if per_channel else "tensor")
                    done = subprocess.run([sys.executable, __file__, "--worker", network.model,
                                           os.path.join(folder, "x.npy"), method, str(int(per_channel)), path],
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    if done.returncode != 0:
                        print("  %-34s failed: %s" % (name, done.stderr.strip().splitlines()[-1]), flush=True)
                        continue
                    row(name, path, ort_outputs(path, inputs, False), json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        worker(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5] == "1", sys.argv[6])
    else:
        main()
