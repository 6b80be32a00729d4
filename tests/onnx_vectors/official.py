"""official.py RUNNER WORK: runs ONNX's backend node tests from the installed onnx package.

ADZE_ONNX_VECTORS names another folder of them. Packages newer than 1.20 ship only the generators: then the vectors are
written to WORK, once per version. Exit 77 (skipped) when there are none either way.
"""
import os
import subprocess
import sys
import warnings

import onnx
from onnx import numpy_helper


def write_tensors(folder, what, infos, values):
    """The values as numbered TensorProto files; those that are no tensors (sequences, optionals) are left out."""
    for i, (info, value) in enumerate(zip(infos, values)):
        if not info.type.HasField("tensor_type"):
            continue
        proto = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value, info.name)
        with open(os.path.join(folder, f"{what}_{i}.pb"), "wb") as f:
            f.write(proto.SerializeToString())


def generate(folder):
    from onnx.backend.test.case.node import collect_testcases
    warnings.simplefilter("ignore")
    for case in collect_testcases(None):
        data = os.path.join(folder, case.name)
        os.makedirs(data, exist_ok=True)
        for i, (inputs, outputs) in enumerate(case.data_sets):
            data_set = os.path.join(data, f"test_data_set_{i}")
            os.makedirs(data_set, exist_ok=True)
            write_tensors(data_set, "input", case.model.graph.input, inputs)
            write_tensors(data_set, "output", case.model.graph.output, outputs)
        onnx.save(case.model, os.path.join(data, "model.onnx"))


def main():
    runner, work = sys.argv[1:]
    nodes = os.environ.get("ADZE_ONNX_VECTORS") or os.path.join(os.path.dirname(onnx.__file__), "backend/test/data/node")
    if not os.path.isdir(os.path.join(nodes, "test_abs")):
        nodes = os.path.join(work, "onnx-" + onnx.__version__)
        if not os.path.isdir(nodes):
            try:
                generate(nodes + ".part")
            except Exception as e:  # generators of another release may need other packages
                print(f"onnx {onnx.__version__} gives no vectors: {e}")
                return 77
            os.rename(nodes + ".part", nodes)
    refused = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refused.txt")
    return subprocess.run([runner, nodes, "--refused", refused]).returncode


sys.exit(main())
