#!/usr/bin/env python3
"""The files that `adze quantize` writes, in ONNX Runtime and OpenVINO, against adze running the same file.

Usage: bench/consumers.py ADZE [--evaluate N] [NAME ...]
Per network, form (Q/DQ, QOperator) and weight range (8 bits, 7 bits by --reduce-range): top-1 in adze and in each consumer,
samples whose decision differs from adze's, and the largest difference of an output number relative to the largest magnitude
of the outputs. ONNX Runtime with its graph optimisations (what users run; integer kernels) and with its Q/DQ fusions off
(the ONNX definition of each node, in float). On a CPU without VNNI both consumers add pairs of 8-bit products in 16 bits and
saturate; 7-bit weights avoid that.
"""
import argparse
import os
import tempfile

import numpy as np

from common import NETWORKS, adze, ort_outputs


def openvino_outputs(path, inputs):
    import openvino
    core = openvino.Core()
    core.set_property({"INFERENCE_PRECISION_HINT": "f32"})
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
        out = os.path.join(folder, "out%d" % i)
        adze(program, "run", path, "--input", "%s=%s" % (name, os.path.join(folder, "x.npy")), "--out", out)
        rows.append(np.load(os.path.join(out, sorted(os.listdir(out))[0])).reshape(len(batch), -1))
    return np.concatenate(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--evaluate", type=int, default=500)
    parser.add_argument("names", nargs="*", default=[])
    a = parser.parse_intermixed_args()
    for network in NETWORKS.values():
        if a.names and network.name not in a.names:
            continue
        inputs, labels = network.read("evaluation", a.evaluate)
        for form in ("qdq", "qoperator"):
            for options in ([], ["--reduce-range"]):
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, "q.onnx")
                    adze(a.adze, "quantize", network.model, "--data", network.data, "--split", "calibration", "--form", form,
                         "--out", path, *options)
                    ours = adze_outputs(a.adze, path, inputs, folder)
                    top = ours[:, network.drop_first:].argmax(1)
                    print("%s %s %s: adze top-1 %.2f %% of %d" % (network.name, form, " ".join(options) or "8-bit weights",
                                                                  100 * np.mean(top == labels), len(labels)), flush=True)
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
                        other = theirs[:, network.drop_first:].argmax(1)
                        print("  %-20s top-1 %.2f, other decision %.2f %%, largest difference %.2e" %
                              (consumer, 100 * np.mean(other == labels), 100 * np.mean(other != top),
                               np.abs(theirs - ours).max() / np.abs(ours).max()), flush=True)


if __name__ == "__main__":
    main()
