"""What an ONNX file says beside the computation survives reading and writing, by the judgement of the onnx package.

usage: onnx_notes.py PATH_OF_adze
A model with doc strings, metadata, denotations, annotations and fields unknown to everybody goes through `adze opt`:
once without passes, where everything must come back and satisfy onnx.checker; once with them, where what keeps its
name must keep its notes; and through `adze quantize`.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ADZE = sys.argv[1]
F = TensorProto.FLOAT
UNKNOWN = b"\xba\xa6\x02\x05extra"  # field 4711, bytes, "extra"
failures = []


def check(what, ok):
    if not ok:
        failures.append(what)


def annotate(message, name, metadata=True):
    """Doc string, properties and an unknown field."""
    message.doc_string = "doc of " + name
    if metadata:
        message.metadata_props.add(key="key", value="value of " + name)
    message.MergeFromString(UNKNOWN)


def info(name, dims):
    v = helper.make_tensor_value_info(name, F, dims)
    annotate(v, name)
    v.type.denotation = "TENSOR"
    v.type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    v.type.MergeFromString(UNKNOWN)
    return v


def made():
    rng = np.random.default_rng(1)
    weights = [numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
               for name, shape in (("w", (4, 3, 3, 3)), ("s", (4,)), ("b", (4,)), ("m", (4,)))]
    weights.append(numpy_helper.from_array(np.abs(rng.normal(size=4)).astype(np.float32) + 0.5, "v"))
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
             helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"], "norm"),
             helper.make_node("Relu", ["n"], ["r"], "relu"),
             helper.make_node("GlobalAveragePool", ["r"], ["y"])]
    for message in nodes + weights:
        annotate(message, message.name or "nameless")
    nodes[0].overload = "variant"
    nodes[0].attribute[0].doc_string = "doc of an attribute"
    nodes[0].attribute[0].MergeFromString(UNKNOWN)
    graph = helper.make_graph(nodes, "net", [info("x", ["N", 3, 8, 8])], [info("y", ["N", 4, 1, 1])], weights,
                              value_info=[info("r", ["N", 4, 8, 8])])
    annotate(graph, "graph")
    graph.quantization_annotation.append(onnx.TensorAnnotation(
        tensor_name="w", quant_parameter_tensor_names=[onnx.StringStringEntryProto(key="SCALE_TENSOR", value="s")]))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10, producer_name="notes")
    annotate(model, "model")
    return model


def adze(*arguments):
    done = subprocess.run([ADZE, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("adze " + " ".join(arguments) + ": " + done.stderr)


def same(what, a, b, fields):
    for field in fields:
        x, y = getattr(a, field), getattr(b, field)
        check(f"{what}: {field}: {x!r} became {y!r}", str(x) == str(y))
    # Unknown fields appear when everything known is taken away.
    for message in (a, b):
        check(f"{what}: the unknown field is gone", UNKNOWN in message.SerializeToString())


def by_name(items):
    return {i.name: i for i in items}


def compare_values(before, after):
    for kind in ("input", "output", "value_info"):
        old, new = by_name(getattr(before, kind)), by_name(getattr(after, kind))
        for name in old:
            check(f"{kind} '{name}' is gone", name in new)
            if name in new:
                same(f"{kind} '{name}'", old[name], new[name], ("doc_string", "metadata_props", "type"))


def without_passes(before, path, out):
    adze("opt", path, "--out", out, "--stop-after", "0")
    onnx.checker.check_model(out, full_check=True)
    after = onnx.load(out)
    same("model", before, after, ("doc_string", "metadata_props", "producer_name"))
    same("graph", before.graph, after.graph, ("name", "doc_string", "metadata_props", "quantization_annotation"))
    check("IR version", after.ir_version == 10)
    for old, new in zip(before.graph.node, after.graph.node, strict=True):
        same(f"node '{old.name}'", old, new, ("name", "doc_string", "metadata_props", "overload"))
    pads = [a for a in after.graph.node[0].attribute if a.name == "kernel_shape"][0]
    same("attribute", [a for a in before.graph.node[0].attribute if a.name == "kernel_shape"][0], pads, ())
    weights = by_name(after.graph.initializer)
    for old in before.graph.initializer:
        same(f"initializer '{old.name}'", old, weights[old.name], ("name", "doc_string", "metadata_props"))
    compare_values(before.graph, after.graph)
    again = out + ".again.onnx"
    adze("opt", out, "--out", again, "--stop-after", "0")
    check("a second round changes the file", open(out, "rb").read() == open(again, "rb").read())


def with_passes(before, path, out):
    adze("opt", path, "--out", out)
    onnx.checker.check_model(out, full_check=True)
    after = onnx.load(out)
    check("the norm was folded", [n.op_type for n in after.graph.node] == ["Conv", "Relu", "GlobalAveragePool"])
    for new in after.graph.node:
        old = [n for n in before.graph.node if n.name == new.name][0]
        same(f"simplified node '{old.name}'", old, new, ("doc_string", "metadata_props", "overload"))
    compare_values(before.graph, after.graph)
    check("the annotation of a lost scale stayed", not after.graph.quantization_annotation)


def quantized(before, path, out, data):
    adze("quantize", path, "--data", data, "--out", out)
    onnx.checker.check_model(out, full_check=True)
    after = onnx.load(out)
    nodes = by_name(after.graph.node)
    for old in before.graph.node:
        if old.op_type == "Conv":
            same("quantized node 'conv'", old, nodes["conv"], ("doc_string", "metadata_props"))
    same("quantized input", before.graph.input[0], after.graph.input[0], ("doc_string", "metadata_props", "type"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        path, data = os.path.join(folder, "in.onnx"), os.path.join(folder, "data.yaml")
        model = made()
        onnx.save(model, path)
        onnx.checker.check_model(path, full_check=True)
        with open(data, "w") as f:
            f.write("kind: synthetic\nsamples: 8\nshape: [3, 8, 8]\n")
        without_passes(model, path, os.path.join(folder, "same.onnx"))
        with_passes(model, path, os.path.join(folder, "simple.onnx"))
        quantized(model, path, os.path.join(folder, "q.onnx"), data)
    for failure in failures:
        print("FAILED", failure)
    print("notes survive" if not failures else f"{len(failures)} failures")
    return bool(failures)


sys.exit(main())
