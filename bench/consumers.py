#!/usr/bin/env python3
"""The files that `adze quantize` writes, in ONNX Runtime and OpenVINO, against adze running the same file.

Usage: bench/consumers.py ADZE [--evaluate N] [NAME ...]
Per network and form (Q/DQ, QOperator): top-1 in adze and in each consumer, samples whose decision differs from adze's, and
the largest difference of an output number relative to the largest magnitude of the outputs. ONNX Runtime once with its
graph optimisations (what users run) and once without (the ONNX definition of each node).
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--evaluate", type=int, default=500)
    parser.add_argument("names", nargs="*", default=[])
    a = parser.parse_args()
    for network in NETWORKS.values():
        if a.names and network.name not in a.names:
            continue
        inputs, labels = network.read("evaluation", a.evaluate)
        for form in ("qdq", "qoperator"):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "q.onnx")
                adze(a.adze, "quantize", network.model, "--data", network.data, "--split", "calibration", "--form", form,
                     "--out", path)
                # adze's own outputs on the very same numbers, all samples as one batch per run of 50.
                ours = []
                name = adze(a.adze, "inspect", path)["inputs"][0]["name"]
                for i in range(0, len(inputs), 50):
                    np.save(os.path.join(folder, "x.npy"), np.stack(inputs[i:i + 50]))
                    out = os.path.join(folder, "out%d" % i)
                    adze(a.adze, "run", path, "--input", "%s=%s" % (name, os.path.join(folder, "x.npy")), "--out", out)
                    first = sorted(os.listdir(out))[0]
                    ours.append(np.load(os.path.join(out, first)).reshape(len(inputs[i:i + 50]), -1))
                ours = np.concatenate(ours)
                top = ours[:, network.drop_first:].argmax(1)
                print("%s %s: adze top-1 %.2f %% of %d" % (network.name, form, 100 * np.mean(top == labels), len(labels)))
                for consumer, run in (("onnxruntime", ort_outputs),
                                      ("onnxruntime, no optimisation", lambda p, x: ort_outputs(p, x, False)),
                                      ("openvino", openvino_outputs)):
                    try:
                        theirs = run(path, inputs)
                    except Exception as error:  # the consumer's own refusal is a result
                        print("  %-30s refuses: %s" % (consumer, str(error).splitlines()[0][:150]), flush=True)
                        continue
                    top = theirs[:, network.drop_first:].argmax(1)
                    print("  %-30s top-1 %.2f, other decision %.2f %%, largest difference %.2e" %
                          (consumer, 100 * np.mean(top == labels),
                           100 * np.mean(top != ours[:, network.drop_first:].argmax(1)),
                           np.abs(theirs - ours).max() / np.abs(ours).max()), flush=True)


if __name__ == "__main__":
    main()
