#!/usr/bin/env python3
"""make_seeds.py FUZZER FOLDER: writes a few small well-formed inputs for a fuzzer to start from. Standard library only."""
import pathlib
import struct
import sys


# --- onnx_fuzzer: the protobuf wire format by hand
def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v >= 0x80:
        out.append(v & 0x7F | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def integer(field, v):
    return varint(field << 3) + varint(v)


def data(field, v):
    v = v.encode() if isinstance(v, str) else v
    return varint(field << 3 | 2) + varint(len(v)) + v


def real(field, v):
    return varint(field << 3 | 5) + struct.pack("<f", v)


def tensor(name, kind, dims, body):
    return b"".join(integer(1, d) for d in dims) + integer(2, kind) + data(8, name) + body


def floats(name, dims, values):
    return tensor(name, 1, dims, data(9, struct.pack(f"<{len(values)}f", *values)))


def int64s(name, values):
    return tensor(name, 7, [len(values)], data(9, struct.pack(f"<{len(values)}q", *values)))


def value(name, kind, dims):
    shape = b"".join(data(1, data(2, d) if isinstance(d, str) else integer(1, d)) for d in dims)
    return data(1, name) + data(2, data(1, integer(1, kind) + data(2, shape)))


def attribute(name, v):
    head = data(1, name)
    if isinstance(v, bytes):
        return head + data(6, v) + integer(20, 5)
    if isinstance(v, float):
        return head + real(2, v) + integer(20, 1)
    if isinstance(v, int):
        return head + integer(3, v) + integer(20, 2)
    if isinstance(v, str):
        return head + data(4, v) + integer(20, 3)
    return head + b"".join(integer(8, i) for i in v) + integer(20, 7)


def node(op, inputs, outputs, **attributes):
    return (b"".join(data(1, i) for i in inputs) + b"".join(data(2, o) for o in outputs) + data(4, op) +
            b"".join(data(5, attribute(k, v)) for k, v in attributes.items()))


def graph(nodes, initializers=(), inputs=(), outputs=()):
    return (b"".join(data(1, n) for n in nodes) + data(2, "g") + b"".join(data(5, t) for t in initializers) +
            b"".join(data(11, v) for v in inputs) + b"".join(data(12, v) for v in outputs))


def model(g, opset):
    return integer(1, 8) + data(8, data(1, "") + integer(2, opset)) + data(7, g) + data(14, data(1, "k") + data(2, "v"))


def onnx_seeds():
    x, y = value("x", 1, ["N", 3, 8, 8]), data(1, "y")
    conv = [floats("w", [2, 3, 1, 1], [0.5] * 6), floats("b", [2], [1, 2])]
    yield "conv", model(graph([node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[1, 1]),
                               node("Relu", ["c"], ["r"]), node("GlobalAveragePool", ["r"], ["g"]),
                               node("Flatten", ["g"], ["y"], axis=1)], conv, [x], [y]), 13)
    yield "old", model(graph([node("Clip", ["x"], ["a"], min=0.0, max=6.0),
                              node("ReduceMean", ["a"], ["b"], axes=[2, 3], keepdims=1),
                              node("Squeeze", ["b"], ["c"], axes=[3]), node("Softmax", ["c"], ["y"], axis=1)],
                             [], [x], [y]), 9)
    yield "shape", model(graph([node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["n"]),
                                node("Unsqueeze", ["n", "z"], ["u"]), node("Concat", ["u", "m"], ["t"], axis=0),
                                node("Reshape", ["x", "t"], ["y"])],
                               [tensor("i", 7, [], data(9, bytes(8))), int64s("z", [0]), int64s("m", [-1])],
                               [x], [y]), 18)
    yield "quant", model(graph([node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                                node("DequantizeLinear", ["q", "s", "z"], ["y"])],
                               [floats("s", [], [0.5]), tensor("z", 2, [], integer(5, 3))], [x], [y]), 21)
    branch = graph([node("Relu", ["x"], ["t"])], [], [], [value("t", 1, ["N", 3, 8, 8])])
    yield "if", model(graph([node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)],
                            [], [x, value("c", 9, [])], [y]), 16)
    slices = [int64s("a", [1]), int64s("b", [9223372036854775807]), int64s("c", [-1])]
    yield "slice", model(graph([node("Slice", ["x", "a", "b", "c"], ["l"]), node("Pad", ["l", "p"], ["d"]),
                                node("Split", ["d"], ["e", "f"], axis=1), node("Concat", ["f", "e"], ["y"], axis=1)],
                               slices + [int64s("p", [0, 1, 0, 0, 0, 0, 0, 0])], [x], [y]), 13)
    resize = node("Resize", ["x", "", "s"], ["y"], mode="nearest")
    yield "resize", model(graph([resize], [floats("s", [4], [1, 1, 2, 2])], [x], [y]), 13)
    # Doc strings, metadata, an annotation and unknown fields.
    pair, unknown = data(1, "k") + data(2, "v"), data(4711, "?") + integer(4712, -1) + real(4713, 0.5)
    noted = node("Relu", ["x"], ["r"]) + data(6, "doc") + data(8, "over") + data(9, pair) + unknown
    weight = floats("w", [1], [2]) + data(12, "doc") + data(16, pair) + unknown
    about = data(10, "doc") + data(14, data(1, "w") + data(2, data(1, "S") + data(2, "w"))) + data(16, pair) + unknown
    yield "notes", model(graph([noted, node("Mul", ["r", "w"], ["y"])], [weight],
                               [x + data(3, "doc") + data(4, pair) + unknown], [y]) + about, 17) + unknown


def report_seeds():
    sample = pathlib.Path(__file__).resolve().parent.parent / "tests" / "report" / "evidence.json"
    yield "sample", sample.read_bytes()


def main():
    fuzzer, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    makers = {"onnx_fuzzer": onnx_seeds, "report_fuzzer": report_seeds}
    if fuzzer not in makers:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in makers[fuzzer]():
        (folder / f"{name}.seed").write_bytes(seed)


main()
