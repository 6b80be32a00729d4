"""Models of many opsets, read and written by adze: the result must satisfy onnx.checker and give ONNX Runtime's outputs.

usage: onnx_roundtrip.py PATH_OF_adze_rewrite_onnx [MODEL.onnx ...]
Run by ctest where a Python with onnx and onnxruntime is found, on models made here; further models may be named by hand.
Equal means equal to the bit for integers and within 1e-5 of the largest magnitude for floats (adapted nodes, such as a
Softmax over several axes spelled out, may be computed in another order).
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

F, I64, U8, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8, TensorProto.BOOL
IR = {7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10}
rng = np.random.default_rng(3)


def info(name, kind, dims):
    return helper.make_tensor_value_info(name, kind, dims)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def model(opset, nodes, inputs, outputs, constants=(), name="made"):
    inputs = list(inputs)
    if opset < 9:  # before IR version 4 initializers are inputs too
        inputs += [info(c.name, c.data_type, list(c.dims)) for c in constants]
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR[opset],
                          producer_name="roundtrip")
    helper.set_model_props(m, {"labels": "a,b"})
    return m


def node(op, inputs, outputs, **attrs):
    return helper.make_node(op, inputs, outputs, name="n_" + outputs[0], **attrs)


def floats(*dims):
    return rng.normal(size=dims).astype(np.float32)


def convolutional(opset):
    """Convolution, normalisation, pooling, upsampling, padding, slicing, reduction and Softmax in the form of `opset`."""
    c = [constant("w", floats(4, 3, 3, 3)), constant("b", floats(4)), constant("s", abs(floats(4)) + 0.5),
         constant("m", floats(4)), constant("v", abs(floats(4)) + 0.5), constant("fw", floats(4, 5)),
         constant("fb", floats(5))]
    n = [node("Conv", ["x", "w", "b"], ["conv"], pads=[1, 1, 1, 1]),
         node("BatchNormalization", ["conv", "s", "b", "m", "v"], ["bn"], epsilon=1e-3)]

    def ints(name, values):
        c.append(constant(name, np.array(values, np.int64)))
        return name

    if opset < 11:
        n.append(node("Clip", ["bn"], ["clip"], min=0.0, max=6.0))
        n.append(node("Pad", ["clip"], ["pad"], pads=[0, 0, 1, 0, 0, 0, 0, 1], value=0.25))
    else:
        c.extend([constant("lo", np.float32(0)), constant("hi", np.float32(6)), constant("pv", np.float32(0.25))])
        n.append(node("Clip", ["bn", "lo", "hi"], ["clip"]))
        n.append(node("Pad", ["clip", ints("pads", [0, 0, 1, 0, 0, 0, 0, 1]), "pv"], ["pad"]))
    n.append(node("MaxPool", ["pad"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]))
    scales = constant("scales", np.array([1, 1, 2, 2], np.float32))
    if opset < 9:
        n.append(node("Upsample", ["pool"], ["up"], scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"))
    elif opset < 11:
        c.append(scales)
        n.append(node("Upsample" if opset == 9 else "Resize", ["pool", "scales"], ["up"], mode="nearest"))
    else:
        c.extend([scales, constant("roi", np.array([], np.float32))])
        n.append(node("Resize", ["pool", "roi", "scales"], ["up"], mode="linear"))
    if opset < 10:
        n.append(node("Slice", ["up"], ["cut"], starts=[1, 0], ends=[7, 6], axes=[2, 3]))
    else:
        n.append(node("Slice", ["up", ints("from", [1, 0]), ints("to", [7, 6]), ints("ax", [2, 3])], ["cut"]))
    n.append(node("Softmax", ["cut"], ["soft"], axis=1))
    if opset < 18:
        n.append(node("ReduceMean", ["soft"], ["mean"], axes=[2, 3], keepdims=1))
    else:
        n.append(node("ReduceMean", ["soft", ints("rax", [2, 3])], ["mean"], keepdims=1))
    if opset < 13:
        n.append(node("Squeeze", ["mean"], ["sq"], axes=[2, 3]))
    else:
        n.append(node("Squeeze", ["mean", ints("sax", [2, 3])], ["sq"]))
    n.append(node("Gemm", ["sq", "fw", "fb"], ["y"]))
    return model(opset, n, [info("x", F, ["N", 3, 8, 8])], [info("y", F, ["N", 5])], c)


def splitting(opset):
    c = []
    parts = {"split": [1, 3]}
    inputs = ["x"]
    if opset >= 13:
        c.append(constant("parts", np.array([1, 3], np.int64)))
        inputs, parts = ["x", "parts"], {}
    n = [node("Split", inputs, ["a", "b"], axis=1, **parts),
         node("Dropout", ["b"], ["d"]), node("Concat", ["d", "a"], ["y"], axis=1)]
    return model(opset, n, [info("x", F, ["N", 4])], [info("y", F, ["N", 4])], c)


def even_split(opset):
    extra = {"num_outputs": 2} if opset >= 18 else {}
    return model(opset, [node("Split", ["x"], ["a", "b"], axis=1, **extra), node("Sub", ["a", "b"], ["y"])],
                 [info("x", F, ["N", 4])], [info("y", F, ["N", 2])])


def quantized(opset):
    c = [constant("s", np.float32(0.02)), constant("z", np.uint8(120)), constant("w", (floats(6, 4) * 40).astype(np.int8)),
         constant("ws", np.abs(floats(4)) * 0.01 + 0.001), constant("wz", np.zeros(4, np.int8))]
    n = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["d"]),
         node("DequantizeLinear", ["w", "ws", "wz"], ["dw"], axis=1), node("MatMul", ["d", "dw"], ["y"])]
    return model(opset, n, [info("x", F, ["N", 6])], [info("y", F, ["N", 4])], c)


def branches(opset):
    """An If whose branches return an outer value, a constant and a computed value."""
    then = helper.make_graph([node("Identity", ["x"], ["t"])], "then", [], [info("t", F, ["N", 2])])
    other = helper.make_graph([node("Add", ["x", "k"], ["e"])], "else", [], [info("e", F, ["N", 2])],
                              [constant("k", np.array([1, 2], np.float32))])
    return model(opset, [node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
                 [info("x", F, ["N", 2]), info("c", BOOL, [])], [info("y", F, ["N", 2])])


def shapes(opset):
    c = [constant("i", np.int64(0)), constant("m", np.array([-1], np.int64))]
    unsqueeze = node("Unsqueeze", ["g"], ["u"], axes=[0])
    if opset >= 13:
        c.append(constant("zero", np.array([0], np.int64)))
        unsqueeze = node("Unsqueeze", ["g", "zero"], ["u"])
    n = [node("Shape", ["x"], ["sh"]), node("Gather", ["sh", "i"], ["g"]), unsqueeze,
         node("Concat", ["u", "m"], ["t"], axis=0), node("Reshape", ["x", "t"], ["y"])]
    return model(opset, n, [info("x", F, ["N", 3, 2])], [info("y", F, ["N", "K"])], c)


def samples(m):
    """Random values for the inputs that are not initializers; free dimensions are 2."""
    stored = {i.name for i in m.graph.initializer}
    out = {}
    for i in m.graph.input:
        if i.name in stored:
            continue
        t = i.type.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else 2 for d in t.shape.dim]
        kind = helper.tensor_dtype_to_np_dtype(t.elem_type)
        out[i.name] = rng.normal(size=dims).astype(kind) if kind in (np.float32, np.float64) else np.ones(dims, kind)
    return out


def run(path, feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, feeds)


def compare(label, source, rewrite, folder, *arguments):
    target = os.path.join(folder, "out.onnx")
    done = subprocess.run([rewrite, source, target, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        return f"{label}: {done.stderr.strip()}"
    onnx.checker.check_model(target, full_check=True)
    before, after = onnx.load(source), onnx.load(target)
    for field in ("producer_name", "metadata_props"):
        if str(getattr(before, field)) != str(getattr(after, field)):
            return f"{label}: {field} changed"
    if [o.name for o in before.graph.output] != [o.name for o in after.graph.output]:
        return f"{label}: output names changed"
    feeds = samples(before)
    try:
        expected = run(source, feeds)
    except Exception as e:  # free dimensions of a named model may not be 2
        return f"{label}: ONNX Runtime does not run the original: {str(e)[:150]}"
    for a, b in zip(expected, run(target, feeds)):
        if a.dtype != b.dtype or a.shape != b.shape:
            return f"{label}: {a.dtype}{a.shape} became {b.dtype}{b.shape}"
        scale = np.max(np.abs(a), initial=0) if a.dtype.kind == "f" else 0
        if np.max(np.abs(a.astype(np.float64) - b), initial=0) > 1e-5 * scale:
            return f"{label}: outputs differ by {np.max(np.abs(a - b))}"
    return ""


def main():
    rewrite, named = sys.argv[1], sys.argv[2:]
    failures, count = [], 0
    with tempfile.TemporaryDirectory() as folder:
        cases = []
        for make, first in ((convolutional, 7), (splitting, 7), (even_split, 7), (shapes, 7), (quantized, 13),
                            (branches, 13)):
            for opset in range(first, 22):
                path = os.path.join(folder, f"{make.__name__}_{opset}.onnx")
                onnx.save(make(opset), path)
                cases.append((path, []))
                if opset in (7, 21):
                    cases += [(path, ["21"]), (path, ["13", "external"])]
        cases += [(path, []) for path in named]
        for path, arguments in cases:
            count += 1
            failure = compare(" ".join([os.path.basename(path), *arguments]), path, rewrite, folder, *arguments)
            if failure:
                failures.append(failure)
    for failure in failures:
        print("FAILED", failure)
    print(f"{count - len(failures)} of {count} models agree")
    return bool(failures)


sys.exit(main())
