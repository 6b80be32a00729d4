#!/usr/bin/env python3
"""Every operator of the QOperator files that `adze quantize` writes, against its definition, on the integers adze computes.

Usage: bench/qoperator_definition.py ADZE [--images N] [--channels N] [--layers] [--reduce-range] [NAME ...]
Every tensor of the file becomes an output, adze runs it, and each node is computed again from adze's own inputs of that node.
Where all nodes agree the whole network does, since the first one reads the network's input. Elements that differ from adze's:
  numerics   docs/design/numerics.md in numpy: exact int32 accumulator, one float32 multiplier, products rounded one by one
  real       the operator on real numbers (the scales are what their float32 says), rounded once, ties to even
  reference  onnx.reference's own operator (for QLinearConv, which it loops over in Python, N output channels per layer)
  ort        ONNX Runtime's kernel on this machine, one node at a time (on a CPU without VNNI it needs --reduce-range)
and, for float results (the last layer), the largest difference relative to the largest number. `last` is the network's output
in ONNX Runtime as a whole: one step in an early layer spreads.
"""
import argparse
import collections
import os
import tempfile
from fractions import Fraction

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from common import NETWORKS, adze, ort_outputs

REFERENCE = [helper.make_opsetid("", 21)]  # onnx.reference has no DequantizeLinear of opset 13
DTYPES = {np.dtype(np.uint8): onnx.TensorProto.UINT8, np.dtype(np.int8): onnx.TensorProto.INT8,
          np.dtype(np.float32): onnx.TensorProto.FLOAT}
f32 = np.float32


def real_codes(value, exact, zero_point):
    """Codes of real numbers: `value` in float64 decides, except near a tie, where exact(index) as a Fraction does."""
    codes = np.rint(value)
    for i in np.argwhere((np.abs(value - np.floor(value) - 0.5) < 1e-9) & (np.abs(value) < 512)):
        codes[tuple(i)] = round(exact(tuple(i)))
    return saturate(codes, zero_point)


def saturate(steps, zero_point):
    limits = np.iinfo(zero_point.dtype)
    return np.clip(steps + float(zero_point), limits.min, limits.max).astype(zero_point.dtype)


def scaled(acc, x_scale, w_scale, y_scale, y_zero_point, count=1):
    """acc * (x_scale * w_scale) / y_scale in both ways; w_scale broadcasts to acc. For pools `count` divides."""
    multiplier = (f32(x_scale) * w_scale.astype(f32)) / f32(y_scale) / f32(count)
    product = acc.astype(f32) * multiplier
    value = acc * (float(x_scale) * w_scale.astype(np.float64)) / (float(y_scale) * count)
    channel = np.broadcast_to(w_scale, acc.shape)

    def exact(i):
        return int(acc[i]) * Fraction(float(x_scale)) * Fraction(float(channel[i])) / Fraction(float(y_scale)) / count
    return saturate(np.rint(product), y_zero_point), real_codes(value, exact, y_zero_point)


def convolve(x, w, attrs):
    """Sums of products in float64 (exact for codes)."""
    group, strides = attrs.get("group", 1), attrs.get("strides", [1, 1])
    pads, dilations = attrs.get("pads", [0] * 4), attrs.get("dilations", [1, 1])
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    n, channels, rows, columns = x.shape
    out = [(size - d * (k - 1) - 1) // s + 1 for size, d, k, s in zip((rows, columns), dilations, w.shape[2:], strides)]
    acc = np.zeros((n, group, w.shape[0] // group, out[0] * out[1]))
    w = w.astype(np.float64).reshape(group, w.shape[0] // group, *w.shape[1:])
    for i in range(w.shape[3]):
        for j in range(w.shape[4]):
            a, b = i * dilations[0], j * dilations[1]
            part = x[:, :, a:a + strides[0] * (out[0] - 1) + 1:strides[0], b:b + strides[1] * (out[1] - 1) + 1:strides[1]]
            acc += np.matmul(w[..., i, j], part.reshape(n, group, channels // group, -1))
    return acc.reshape(n, -1, *out)


# Each returns (as numerics.md, as real numbers); `v` are the node's inputs.
def qlinear_conv(v, attrs):
    x, sx, zx, w, sw, zw, sy, zy = v[:8]
    shape = (1, -1, 1, 1)
    acc = convolve(x.astype(np.int32) - zx, w.astype(np.int32) - zw.reshape(-1, 1, 1, 1), attrs)
    if len(v) > 8:
        acc += v[8].reshape(shape)
    return scaled(acc, sx, sw.reshape(shape), sy, zy)


def qgemm(v, attrs):
    a, sa, za, b, sb, zb, c = v[:7]
    b = b.astype(np.int64) - zb.reshape(-1, 1)
    acc = (a.astype(np.int64) - za) @ (b.T if attrs.get("transB") else b) + c
    if len(v) > 7:
        return scaled(acc, sa, sb.reshape(-1), v[7], v[8])
    product = f32(sa) * sb.reshape(-1)
    return acc.astype(f32) * product, acc * (float(sa) * sb.reshape(-1).astype(np.float64))


def qlinear_add(v, attrs):
    a, sa, za, b, sb, zb, sy, zy = v
    a, b = a.astype(np.int32) - za, b.astype(np.int32) - zb
    total = a.astype(f32) * (f32(sa) / f32(sy)) + b.astype(f32) * (f32(sb) / f32(sy))
    value = (a * float(sa) + b * float(sb)) / float(sy)

    def exact(i):
        return (int(a[i]) * Fraction(float(sa)) + int(b[i]) * Fraction(float(sb))) / Fraction(float(sy))
    return saturate(np.rint(total), zy), real_codes(value, exact, zy)


def qlinear_average(v, attrs):
    x, sx, zx, sy, zy = v
    assert not any(attrs.get("pads", [])), "average pooling with padding"
    kernel = attrs.get("kernel_shape", x.shape[2:])
    ones = np.ones((x.shape[1], 1, *kernel))
    acc = convolve(x.astype(np.int32) - zx, ones, {"group": x.shape[1], "strides": attrs.get("strides", [1, 1])})
    return scaled(acc, sx, np.ones(1, f32), sy, zy, int(np.prod(kernel)))


def float_conv(v, attrs):
    y = convolve(v[0], v[1], attrs) + (v[2].reshape(1, -1, 1, 1) if len(v) > 2 else 0)
    return y, y


OPERATORS = {"QLinearConv": qlinear_conv, "QGemm": qgemm, "QLinearAdd": qlinear_add, "Conv": float_conv,
             "QLinearGlobalAveragePool": qlinear_average, "QLinearAveragePool": qlinear_average}


def one_node(node, values, opsets, result):
    """A model of `node` alone; what it reads are inputs where they vary, else constants."""
    variable = [i for i in dict.fromkeys(node.input) if i and not values[i][1]]
    inputs = [helper.make_tensor_value_info(i, DTYPES[values[i][0].dtype], values[i][0].shape) for i in variable]
    constants = [numpy_helper.from_array(values[i][0], i) for i in dict.fromkeys(node.input) if i and values[i][1]]
    output = helper.make_tensor_value_info(node.output[0], DTYPES[result.dtype], result.shape)
    graph = helper.make_graph([node], "node", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return model, {i: values[i][0] for i in variable}


def first_channels(node, values, attrs, count):
    """The same QLinearConv for the first image and its first `count` output channels only."""
    values = dict(values)
    values[node.input[0]] = (values[node.input[0]][0][:1], False)
    count = min(count, values[node.input[3]][0].shape[0])
    for i in node.input[3:6] + node.input[8:]:
        if values[i][0].ndim:
            values[i] = (values[i][0][:count], True)
    node = onnx.NodeProto.FromString(node.SerializeToString())
    if attrs.get("group", 1) > 1:  # depthwise: as many input channels
        values[node.input[0]] = (values[node.input[0]][0][:, :count], False)
        next(a for a in node.attribute if a.name == "group").i = count
    return node, values, count


def tap(model):
    """Every tensor that depends on the input becomes an output, in the order of nodes."""
    constants = {i.name: i.data_type for i in model.graph.initializer}
    types = {i.name: i.type.tensor_type.elem_type for i in model.graph.input}
    types.update(constants)
    wanted = {o.name for o in model.graph.output}
    varies = {i.name for i in model.graph.input}
    for node in model.graph.node:
        quantized = node.op_type.startswith("QLinear") or node.op_type == "QuantizeLinear"
        zero_points = {"QLinearConv": 7, "QLinearAdd": 7, "QuantizeLinear": 2}
        is_float = node.op_type == "DequantizeLinear" or (node.op_type == "QGemm" and len(node.input) < 9)
        types[node.output[0]] = (onnx.TensorProto.FLOAT if is_float
                                 else constants[node.input[zero_points.get(node.op_type, 4)]] if quantized
                                 else types[node.input[0]])
        varies = varies | {node.output[0]} if varies.intersection(node.input) else varies
        if node.output[0] not in wanted and node.output[0] in varies:
            model.graph.output.append(helper.make_tensor_value_info(node.output[0], types[node.output[0]], None))
    return model


def differing(ours, theirs):
    """Count of other codes, or the largest relative difference of floats."""
    if ours.dtype == np.float32:
        return float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-30))
    return int(np.count_nonzero(ours != theirs))


def show(found, relative):
    return "-" if found is None else "%.1e" % found if relative else "%d" % found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--layers", action="store_true", help="a line per node instead of one per operator")
    parser.add_argument("--reduce-range", action="store_true")
    parser.add_argument("names", nargs="*",
                        default=["mobilenet_v2", "squeezenet1.1", "cifar10_resnet20", "mlperf_tiny_resnet8"])
    a = parser.parse_intermixed_args()
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    for name in a.names:
        network = NETWORKS[name]
        with tempfile.TemporaryDirectory() as folder:
            path, tapped = os.path.join(folder, "q.onnx"), os.path.join(folder, "tapped.onnx")
            adze(a.adze, "quantize", network.model, "--data", network.data, "--split", "calibration", "--form", "qoperator",
                 "--out", path, *(["--reduce-range"] if a.reduce_range else []))
            model = onnx.load(path)
            onnx.save(tap(onnx.load(path)), tapped)
            inputs = network.read("evaluation", a.images)[0]
            x = np.stack(inputs)
            np.save(os.path.join(folder, "x.npy"), x)
            feed = "%s=%s" % (model.graph.input[0].name, os.path.join(folder, "x.npy"))
            outputs = {}
            for file in (path, tapped):
                run = adze(a.adze, "run", file, "--input", feed, "--out", os.path.join(folder, "out"))
                outputs[file] = {o["name"]: np.load(o["file"]) for o in run["outputs"]}
            result = model.graph.output[0].name
            assert np.array_equal(outputs[path][result], outputs[tapped][result]), "tapped and untapped differ"
            theirs = ort_outputs(path, inputs)
        values = {i.name: (numpy_helper.to_array(i), True) for i in model.graph.initializer}
        values[model.graph.input[0].name] = (x, False)
        values.update({k: (v, False) for k, v in outputs[tapped].items()})
        rows = collections.defaultdict(lambda: [0, 0, None, None, None, 0, None])  # nodes, elements, counts ..., ort
        for node in model.graph.node:
            if node.output[0] not in values:  # of constants alone, a dequantized weight
                single, feeds = one_node(node, values, REFERENCE, np.zeros(0, f32))
                single.graph.output[0].type.tensor_type.ClearField("shape")
                values[node.output[0]] = (ReferenceEvaluator(single).run(None, feeds)[0], True)
                continue
            attrs = {t.name: helper.get_attribute_value(t) for t in node.attribute}
            ours = values[node.output[0]][0]
            single, feeds = one_node(node, values, model.opset_import, ours)
            row = rows[(node.name or node.output[0]) + " " + node.op_type if a.layers else node.op_type, ours.dtype.name]
            found = [None] * 4
            if node.op_type in OPERATORS:
                varying = [values[i][0] for i in node.input]
                found[:2] = [differing(ours, y) for y in OPERATORS[node.op_type](varying, attrs)]
            if node.domain in ("", "ai.onnx") and node.op_type != "Conv":
                part, part_ours, part_values = node, ours, values
                if node.op_type == "QLinearConv":
                    part, part_values, count = first_channels(node, values, attrs, a.channels)
                    part_ours = ours[:1, :count]
                reference, part_feeds = one_node(part, part_values, REFERENCE, part_ours)
                found[2] = differing(part_ours, ReferenceEvaluator(reference).run(None, part_feeds)[0])
                row[5] += part_ours.size
            session = onnxruntime.InferenceSession(single.SerializeToString(), options, providers=["CPUExecutionProvider"])
            found[3] = differing(ours, session.run(None, feeds)[0])
            row[0] += 1
            row[1] += ours.size
            for place, f in zip((2, 3, 4, 6), found):
                if f is not None:
                    row[place] = f if row[place] is None else max(row[place], f) if ours.dtype == f32 else row[place] + f
        ours = outputs[path][result].reshape(len(x), -1)
        print("%s, %s, %d images: last %.1e in ONNX Runtime as a whole" %
              (name, "7-bit weights" if a.reduce_range else "8-bit weights", len(x),
               np.abs(ours - theirs).max() / np.abs(ours).max()))
        print("  %-28s %-8s %5s %10s  %10s %10s %22s %10s" % ("operator", "result", "nodes", "elements", "numerics", "real",
                                                              "reference (of)", "ort"))
        for (operator, dtype), (nodes, size, numerics, real, reference, part, ort) in rows.items():
            relative = dtype == "float32"
            print("  %-28s %-8s %5d %10d  %10s %10s %22s %10s" %
                  (operator, dtype, nodes, size, show(numerics, relative), show(real, relative),
                   show(reference, relative) + (" (%d)" % part if part else ""), show(ort, relative)), flush=True)


if __name__ == "__main__":
    main()
