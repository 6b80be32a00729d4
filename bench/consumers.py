#!/usr/bin/env python3
"""The files that `adze quantize` writes, in ONNX Runtime and OpenVINO, against adze running the same file.

Usage: bench/consumers.py ADZE [--evaluate N] [--forms qdq,qoperator] [--ranges 8,7] [--swap] [NAME ...]
Per network, form (Q/DQ, QOperator) and weight range (8 bits, 7 bits by --reduce-range): top-1 in adze and in each consumer,
its difference to adze's with the 95 % interval of the paired samples, samples whose decision differs from adze's, and the
largest difference of an output number relative to the largest magnitude of the outputs. Where no class is labelled: the mean
squared error of an auto-encoder, else the share of float's decisions. ONNX Runtime with its graph optimisations (what users
run; integer kernels) and with its Q/DQ fusions off (the ONNX definition of each node, in float). On a CPU without VNNI both
consumers add pairs of 8-bit products in 16 bits and saturate; 7-bit weights avoid that. --swap calibrates on the evaluation
split and evaluates on the other.
"""
import argparse
import os
import tempfile

import numpy as np

from common import NETWORKS, adze, ort_outputs


def openvino_outputs(path, inputs):
    import openvino
    core = openvino.Core()
    core.set_property({"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1"})
    model = core.read_model(path)
    model.reshape([1, *inputs[0].shape])
    compiled = core.compile_model(model, "CPU")
    return np.stack([next(iter(compiled(x[None]).values())).reshape(-1).copy() for x in inputs])


def adze_outputs(program, path, inputs, folder):
    network_input = adze(program, "inspect", path)["inputs"][0]
    name = network_input["name"]
    step = 1 if network_input["type"].startswith("float32[1,") else 50
    rows = []
    for i in range(0, len(inputs), step):
        batch = np.stack(inputs[i:i + step])
        np.save(os.path.join(folder, "x.npy"), batch)
        out = os.path.join(folder, "out")
        run = adze(program, "run", path, "--input", "%s=%s" % (name, os.path.join(folder, "x.npy")), "--out", out,
                   "--threads", 1)
        rows.append(np.load(run["outputs"][0]["file"]).reshape(len(batch), -1))
    return np.concatenate(rows)


class Judge:
    """Scores of outputs of one network: right answers per sample, or squared errors."""

    def __init__(self, network, inputs, labels):
        self.encoder = network.kind == "logmel"
        self.inputs = np.stack(inputs).reshape(len(inputs), -1) if self.encoder else None
        self.drop = network.drop_first
        self.labels = labels if network.labelled else None
        if not network.labelled and not self.encoder:
            self.labels = self.decisions(ort_outputs(network.model, inputs))
        self.what = "MSE" if self.encoder else "top-1" if network.labelled else "float's decision"

    def decisions(self, values):
        return values[:, self.drop:].argmax(1)

    def score(self, values):
        if self.encoder:
            return np.mean((values - self.inputs)**2)
        return 100 * np.mean(self.decisions(values) == self.labels)

    def beside(self, ours, theirs):
        largest = "largest difference %.2e" % (np.abs(theirs - ours).max() / np.abs(ours).max())
        difference = self.score(theirs) - self.score(ours)
        if self.encoder:
            return "%s %.4f, difference %+.4f, %s" % (self.what, self.score(theirs), difference, largest)
        mine, other = self.decisions(ours), self.decisions(theirs)
        b, c = np.sum((mine == self.labels) & (other != self.labels)), np.sum((mine != self.labels) & (other == self.labels))
        n = len(mine)
        half = 196 * np.sqrt(max(b + c - (b - c)**2 / n, 0)) / n if b + c else 300 / n
        return "%s %.2f, difference %+.2f +- %.2f (%d lost, %d won), other decision %d of %d (%.2f %%), %s" % (
            self.what, self.score(theirs), difference, half, b, c, np.sum(mine != other), n, 100 * np.mean(mine != other),
            largest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--evaluate", type=int, default=500)
    parser.add_argument("--forms", default="qdq,qoperator")
    parser.add_argument("--ranges", default="8,7")
    parser.add_argument("--swap", action="store_true")
    parser.add_argument("names", nargs="*", default=[])
    a = parser.parse_intermixed_args()
    for network in NETWORKS.values():
        if a.names and network.name not in a.names:
            continue
        calibration, evaluation = ("evaluation", "calibration") if a.swap else ("calibration", "evaluation")
        inputs, labels = network.read(evaluation, a.evaluate)
        judge = Judge(network, inputs, labels)
        print("%s: float in ONNX Runtime %s %.4f" % (network.name, judge.what, judge.score(ort_outputs(network.model, inputs))))
        for form in a.forms.split(","):
            for bits in a.ranges.split(","):
                options = ["--reduce-range"] if bits == "7" else []
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "q.onnx")
                    adze(a.adze, "quantize", network.model, "--data", network.data, "--split", calibration, "--form", form,
                         "--out", path, *options)
                    ours = adze_outputs(a.adze, path, inputs, folder)
                    print("%s %s %s-bit weights: adze %s %.4f of %d" % (network.name, form, bits, judge.what, judge.score(ours),
                                                                        len(inputs)), flush=True)
                    runs = [("onnxruntime", lambda: ort_outputs(path, inputs, True)), ("openvino", lambda: openvino_outputs(
                        path, inputs))]
                    if form == "qdq":
                        runs.insert(1, ("onnxruntime, float", lambda: ort_outputs(path, inputs, False)))
                    for consumer, run in runs:
                        try:
                            theirs = run()
                        except Exception as error:  # the consumer's own refusal is a result
                            print("  %-20s refuses: %s" % (consumer, " ".join(str(error).split())[-200:]), flush=True)
                            continue
                        print("  %-20s %s" % (consumer, judge.beside(ours, theirs)), flush=True)


if __name__ == "__main__":
    main()
