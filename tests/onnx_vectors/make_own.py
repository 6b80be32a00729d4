#!/usr/bin/env python3
"""make_own.py FOLDER: writes our own operator vectors (tests/onnx_vectors/own) in the layout of ONNX's backend tests.

Inputs are small and chosen by hand; expected outputs come from NumPy, written from the operator's definition and not by
adze or any runtime. Needs numpy and onnx. Rerun it only to add cases: the files are checked in.
"""
import math
import os
import shutil
import sys

import numpy as np
from onnx import helper, numpy_helper

f32 = np.float32
IR = {7: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 18: 8, 20: 9, 21: 10}
ROOT = sys.argv[1]


def case(name, op, inputs, outputs, opset=21, constants=(), domain="", **attrs):
    """One node over `inputs` (None: omitted); the indices in `constants` become initializers instead of graph inputs."""
    inputs = [None if x is None else np.asarray(x) for x in inputs]
    outputs = [np.asarray(y) for y in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    kind = helper.np_dtype_to_tensor_dtype
    infos = [helper.make_tensor_value_info(n, kind(x.dtype), x.shape)
             for i, (n, x) in enumerate(zip(names, inputs)) if n and (i not in constants or opset < 9)]
    stored = [numpy_helper.from_array(x, n) for i, (n, x) in enumerate(zip(names, inputs)) if i in constants]
    result = [helper.make_tensor_value_info(f"y{i}", kind(y.dtype), y.shape) for i, y in enumerate(outputs)]
    node = helper.make_node(op, names, [f"y{i}" for i in range(len(outputs))], domain=domain, **attrs)
    graph = helper.make_graph([node], name, infos, result, stored)
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    folder = os.path.join(ROOT, "test_" + name)
    data = os.path.join(folder, "test_data_set_0")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(data)
    with open(os.path.join(folder, "model.onnx"), "wb") as f:
        f.write(helper.make_model(graph, opset_imports=imports, ir_version=IR[opset], producer_name="").SerializeToString())
    fed = [(n, x) for i, (n, x) in enumerate(zip(names, inputs)) if n and (i not in constants or opset < 9)]
    for what, tensors in (("input", fed), ("output", [(f"y{i}", y) for i, y in enumerate(outputs)])):
        for i, (n, t) in enumerate(tensors):
            with open(os.path.join(data, f"{what}_{i}.pb"), "wb") as f:
                f.write(numpy_helper.from_array(t, n).SerializeToString())


def ints(*v):
    return np.array(v, np.int64)


def ramp(*dims, scale=0.25, shift=-1.0):
    return (np.arange(np.prod(dims)).reshape(dims) * scale + shift).astype(f32)


x = np.array([[-3, -1, -0.5, -0.0], [0.25, 0.5, 1, 3.5]], f32)
pos = np.abs(x) + f32(0.5)

# --- one tensor, element by element
erf = np.vectorize(math.erf)
sigmoid = lambda v: 1 / (1 + np.exp(-v.astype(np.float64)))
unary = {
    "Abs": np.abs(x), "Ceil": np.ceil(x), "Floor": np.floor(x), "Exp": np.exp(x), "Neg": -x, "Sign": np.sign(x),
    "Sin": np.sin(x), "Cos": np.cos(x), "Tanh": np.tanh(x), "Sigmoid": sigmoid(x), "Relu": np.maximum(x, 0),
    "Softplus": np.log1p(np.exp(x)), "Softsign": x / (1 + np.abs(x)), "Erf": erf(x), "Identity": x,
    "HardSwish": x * np.clip(x / 6 + 0.5, 0, 1), "Mish": x * np.tanh(np.log1p(np.exp(x))),
}
for op, y in unary.items():
    case(op.lower(), op, [x], np.asarray(y, f32))
for op, y in {"Log": np.log(pos), "Sqrt": np.sqrt(pos), "Reciprocal": 1 / pos}.items():
    case(op.lower(), op, [pos], y.astype(f32))
ties = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6], f32)
case("round_half_to_even", "Round", [ties], np.array([-2, -2, -0.0, 0, 2, 2, 2, -3], f32))
case("leakyrelu", "LeakyRelu", [x], np.where(x < 0, f32(0.1) * x, x), alpha=0.1)
case("elu", "Elu", [x], np.where(x < 0, 2 * (np.exp(x) - 1), x).astype(f32), alpha=2.0)
case("celu", "Celu", [x], (np.maximum(x, 0) + np.minimum(0, 2 * (np.exp(x / 2) - 1))).astype(f32), alpha=2.0)
case("selu", "Selu", [x], (3 * np.where(x > 0, x, 2 * np.exp(x) - 2)).astype(f32), alpha=2.0, gamma=3.0)
case("hardsigmoid", "HardSigmoid", [x], np.clip(x * f32(0.5) + f32(0.6), 0, 1), alpha=0.5, beta=0.6)
case("thresholdedrelu", "ThresholdedRelu", [x], np.where(x > 0.5, x, 0).astype(f32), alpha=0.5)
case("gelu", "Gelu", [x], (0.5 * x * (1 + erf(x / math.sqrt(2)))).astype(f32))
case("gelu_tanh", "Gelu", [x], (0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))).astype(f32),
     approximate="tanh")
case("clip", "Clip", [x, f32(-0.75), f32(2)], np.clip(x, -0.75, 2).astype(f32))
case("clip_upper_only", "Clip", [x, None, f32(0.3)], np.minimum(x, f32(0.3)))
case("clip_opset7", "Clip", [x], np.clip(x, 0, 1).astype(f32), opset=7, min=0.0, max=1.0)
case("cast_float_to_int", "Cast", [x], np.trunc(x).astype(np.int32), to=6)
case("cast_int_to_float", "Cast", [ints(-3, 0, 9)], np.array([-3, 0, 9], f32), to=1)
case("not", "Not", [np.array([True, False])], np.array([False, True]))
case("isnan", "IsNaN", [np.array([1, np.nan, np.inf], f32)], np.array([False, True, False]))

# --- two tensors with broadcasting
a, b = ramp(2, 3, 1), np.array([[2, -0.5, 4, 1]], f32)
for op, fn in {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Max": np.maximum,
               "Min": np.minimum}.items():
    case(op.lower() + "_broadcast", op, [a, b], fn(a, b))
case("pow", "Pow", [pos, np.array([2, 0.5, -1, 3], f32)], np.power(pos, np.array([2, 0.5, -1, 3], f32)))
case("div_int_truncates", "Div", [ints(-7, 7, 5), ints(2, -2, 3)], ints(-3, -3, 1))
case("mod", "Mod", [ints(-7, 7, -4), ints(3, -3, 4)], ints(2, -2, 0))
case("fmod", "Mod", [ints(-7, 7, -4), ints(3, -3, 4)], ints(-1, 1, 0), fmod=1)
for op, fn in {"Equal": np.equal, "Less": np.less, "Greater": np.greater, "LessOrEqual": np.less_equal,
               "GreaterOrEqual": np.greater_equal}.items():
    case(op.lower(), op, [a, a[:, ::-1]], fn(a, a[:, ::-1]))
p, q = np.array([True, True, False, False]), np.array([True, False, True, False])
for op, fn in {"And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor}.items():
    case(op.lower(), op, [p, q], fn(p, q))
case("where", "Where", [p, ramp(2, 4), f32(9)], np.where(p, ramp(2, 4), f32(9)))
case("prelu", "PRelu", [ramp(2, 3, 2, shift=-2), ramp(3, 1)], np.where(
    ramp(2, 3, 2, shift=-2) < 0, ramp(2, 3, 2, shift=-2) * ramp(3, 1), ramp(2, 3, 2, shift=-2)))
case("sum_three", "Sum", [a, b, a], a + b + a)
case("mean_two", "Mean", [a, b], (a + b) / 2)

# --- along axes
t = ramp(2, 3, 4, scale=0.3, shift=-2)
for op, fn in {"ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max, "ReduceMin": np.min,
               "ReduceProd": np.prod}.items():
    case(op.lower() + "_keep", op, [t, ints(1)], fn(t, axis=1, keepdims=True).astype(f32), constants=[1])
    case(op.lower() + "_all_drop", op, [t], np.asarray(fn(t), f32), keepdims=0)
case("reducel1", "ReduceL1", [t, ints(-1)], np.sum(np.abs(t), -1, keepdims=True), constants=[1])
case("reducel2", "ReduceL2", [t, ints(0, 2)], np.sqrt(np.sum(t * t, (0, 2))), constants=[1], keepdims=0)
case("reducesumsquare", "ReduceSumSquare", [t, ints(2)], np.sum(t * t, 2, keepdims=True), constants=[1])
case("reducelogsumexp", "ReduceLogSumExp", [t, ints(1)], np.log(np.sum(np.exp(t), 1, keepdims=True)), constants=[1])
case("reducemean_opset11", "ReduceMean", [t], np.mean(t, (1, 2), keepdims=True), opset=11, axes=[1, -1])
case("argmax_first_of_equals", "ArgMax", [np.array([[1, 5, 5], [2, 0, 2]], f32)], np.array([[1], [0]]), axis=1)
case("argmin_last_of_equals", "ArgMin", [np.array([[1, 1, 5], [0, 0, 2]], f32)], np.array([1, 1]), axis=1, keepdims=0,
     select_last_index=1)


def softmax(v, axis):
    e = np.exp(v - v.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


case("softmax", "Softmax", [t], softmax(t, 1), axis=1)
case("softmax_opset11", "Softmax", [t], softmax(t.reshape(2, 12), 1).reshape(t.shape), opset=11)
case("logsoftmax", "LogSoftmax", [t], np.log(softmax(t, -1)))
case("hardmax", "Hardmax", [np.array([[1, 3, 3], [2, 0, 1]], f32)], np.array([[0, 1, 0], [1, 0, 0]], f32))
case("cumsum", "CumSum", [t, np.int32(1)], np.cumsum(t, 1), constants=[1])
case("cumsum_reverse_exclusive", "CumSum", [np.array([1, 2, 3, 4], f32), np.int32(0)], np.array([9, 7, 4, 0], f32),
     constants=[1], exclusive=1, reverse=1)
case("topk", "TopK", [np.array([[1, 7, 7, 3]], f32), ints(3)], [np.array([[7, 7, 3]], f32), np.array([[1, 2, 3]])],
     constants=[1])

# --- moving elements
case("concat", "Concat", [t, t[:, :1]], np.concatenate([t, t[:, :1]], 1), axis=1)
case("split", "Split", [t, ints(1, 2)], [t[:, :1], t[:, 1:]], constants=[1], axis=1)
case("split_uneven", "Split", [ints(1, 2, 3, 4, 5)], [ints(1, 2, 3), ints(4, 5)], num_outputs=2)
case("slice_steps", "Slice", [t, ints(2, -1), ints(-100, 0), ints(1, 2), ints(-1, -2)], t[:, ::-1, -1:0:-2],
     constants=[1, 2, 3, 4])
case("slice_opset9", "Slice", [t], t[:, 1:, :2], opset=9, starts=[1, 0], ends=[1000, 2], axes=[1, 2])
case("gather", "Gather", [t, np.array([[0, -1], [2, 1]])], t[:, [[0, -1], [2, 1]]], constants=[1], axis=1)
case("gatherelements", "GatherElements", [t[0], np.array([[0, 3, -1], [1, 1, 0], [2, 2, 2]])],
     np.take_along_axis(t[0], np.array([[0, 3, 3], [1, 1, 0], [2, 2, 2]]), 1), axis=1)
case("scatterelements", "ScatterElements", [np.zeros((3, 3), f32), np.array([[2, 0]]), np.array([[5, 6]], f32)],
     np.array([[0, 6, 0], [0, 0, 0], [5, 0, 0]], f32), axis=0)
case("pad_constant", "Pad", [t[0], ints(1, 0, 0, 2), f32(7)], np.pad(t[0], ((1, 0), (0, 2)), constant_values=7),
     constants=[1])
case("pad_reflect", "Pad", [t[0], ints(1, 2, 1, 1)], np.pad(t[0], ((1, 1), (2, 1)), "reflect"), constants=[1], mode="reflect")
case("pad_edge", "Pad", [t[0], ints(0, 2, 1, 1)], np.pad(t[0], ((0, 1), (2, 1)), "edge"), constants=[1], mode="edge")
case("transpose", "Transpose", [t], t.transpose(2, 0, 1), perm=[2, 0, 1])
case("reshape_zero_and_infer", "Reshape", [t, ints(0, -1)], t.reshape(2, 12), constants=[1])
case("flatten", "Flatten", [t], t.reshape(6, 4), axis=2)
case("squeeze", "Squeeze", [t[:1], ints(0)], t[0], constants=[1])
case("unsqueeze", "Unsqueeze", [t, ints(-1, 0)], t[None, ..., None], constants=[1])
case("unsqueeze_opset11", "Unsqueeze", [t], t[:, None], opset=11, axes=[1])
case("expand", "Expand", [a, ints(2, 1, 3, 4)], np.broadcast_to(a, (2, 2, 3, 4)), constants=[1])
case("tile", "Tile", [t[0], ints(2, 1)], np.tile(t[0], (2, 1)), constants=[1])
case("shape", "Shape", [t], ints(3, 4), start=1)
case("size", "Size", [t], np.int64(24))
case("range", "Range", [f32(1), f32(4.5), f32(1.5)], np.array([1, 2.5, 4], f32), constants=[0, 1, 2])
case("constantofshape", "ConstantOfShape", [ints(2, 3)], np.full((2, 3), 4, np.int32), constants=[0],
     value=numpy_helper.from_array(np.array([4], np.int32)))
case("onehot", "OneHot", [ints(0, 2, -1), ints(3), np.array([2, 5], f32)],
     np.array([[5, 2, 2], [2, 2, 5], [2, 2, 5]], f32), constants=[1])
case("trilu_lower", "Trilu", [t, np.int64(-1)], np.tril(t, -1), constants=[1], upper=0)
image = ramp(1, 4, 2, 3)
blocks = image.reshape(1, 2, 2, 1, 2, 3)
case("depthtospace_dcr", "DepthToSpace", [image], blocks.transpose(0, 3, 4, 1, 5, 2).reshape(1, 1, 4, 6), blocksize=2)
case("depthtospace_crd", "DepthToSpace", [image], image.reshape(1, 1, 2, 2, 2, 3).transpose(0, 1, 4, 2, 5, 3).reshape(
    1, 1, 4, 6), blocksize=2, mode="CRD")
case("resize_nearest_opset9", "Upsample", [image, np.array([1, 1, 2, 3], f32)], image.repeat(2, 2).repeat(3, 3), opset=9,
     constants=[1])
row = np.array([[[[1, 2, 4]]]], f32)
case("resize_linear_half_pixel", "Resize", [row, None, np.array([1, 1, 1, 2], f32)],
     np.array([[[[1, 1.25, 1.75, 2.5, 3.5, 4]]]], f32), constants=[2], mode="linear")
case("resize_linear_align_corners", "Resize", [row, None, None, ints(1, 1, 1, 5)],
     np.array([[[[1, 1.5, 2, 3, 4]]]], f32), constants=[3], mode="linear", coordinate_transformation_mode="align_corners")

# --- matrices, convolution, pooling, normalisation
m1, m2 = ramp(2, 3, 4), ramp(4, 2, scale=0.5)
case("matmul_broadcast", "MatMul", [m1, m2], m1 @ m2)
case("gemm", "Gemm", [ramp(3, 2), ramp(4, 3), ramp(4)], 0.5 * (ramp(3, 2).T @ ramp(4, 3).T) + 2 * ramp(4), transA=1, transB=1,
     alpha=0.5, beta=2.0)


def windows(v, kernel, strides, pads, dilations, fill):
    """Sliding windows [N, C, OH, OW, KH, KW] of a padded image; pads = top, left, bottom, right."""
    v = np.pad(v, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])), constant_values=fill)
    out = [(v.shape[2 + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in range(2)]
    w = np.empty((*v.shape[:2], *out, *kernel), v.dtype)
    for i in range(out[0]):
        for j in range(out[1]):
            top, left = i * strides[0], j * strides[1]
            w[:, :, i, j] = v[:, :, top:top + dilations[0] * (kernel[0] - 1) + 1:dilations[0],
                              left:left + dilations[1] * (kernel[1] - 1) + 1:dilations[1]]
    return w


def conv(v, w, bias=None, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1, fill=0):
    cols = windows(v, w.shape[2:], strides, pads, dilations, fill)
    n, oc = w.shape[0] // group, []
    for g in range(group):
        part = cols[:, g * w.shape[1]:(g + 1) * w.shape[1]]
        oc.append(np.einsum("ncijkl,ockl->noij", part, w[g * n:(g + 1) * n]))
    y = np.concatenate(oc, 1)
    return y if bias is None else y + bias[None, :, None, None]


img, w, bias = ramp(1, 2, 5, 4), ramp(3, 2, 3, 2, scale=0.125), ramp(3)
case("conv_strides_pads", "Conv", [img, w, bias], conv(img, w, bias, (2, 1), (1, 0, 1, 1)), strides=[2, 1], pads=[1, 0, 1, 1])
case("conv_dilated", "Conv", [img, w], conv(img, w, dilations=(2, 3)), dilations=[2, 3])
dw = ramp(4, 1, 2, 2, scale=0.2)
case("conv_depthwise_multiplier", "Conv", [img, dw], conv(img, dw, group=2), group=2)
same = np.pad(conv(img, w[:, :, :, :1], pads=(1, 0, 1, 0)), 0)
case("conv_same_upper", "Conv", [img, w[:, :, :, :1]], same, auto_pad="SAME_UPPER")
up = np.zeros((1, 1, 3, 5), f32)
kernel = ramp(1, 1, 2, 2, shift=1)
small = ramp(1, 1, 2, 3)
wide = np.zeros((1, 1, 4, 6), f32)
for i in range(2):
    for j in range(3):
        wide[0, 0, 2 * i:2 * i + 2, 2 * j:2 * j + 2] += small[0, 0, i, j] * kernel[0, 0]
case("convtranspose_stride2", "ConvTranspose", [small, kernel], wide, strides=[2, 2])
pool = windows(img, (2, 2), (2, 2), (1, 1, 0, 0), (1, 1), -np.inf)
case("maxpool_pads", "MaxPool", [img], pool.max((4, 5)), kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 0, 0])
zeros = windows(img, (2, 2), (2, 2), (1, 1, 0, 0), (1, 1), 0)
count = windows(np.ones_like(img), (2, 2), (2, 2), (1, 1, 0, 0), (1, 1), 0).sum((4, 5))
case("averagepool_exclude_pad", "AveragePool", [img], zeros.sum((4, 5)) / count, kernel_shape=[2, 2], strides=[2, 2],
     pads=[1, 1, 0, 0])
case("averagepool_include_pad", "AveragePool", [img], zeros.mean((4, 5)), kernel_shape=[2, 2], strides=[2, 2],
     pads=[1, 1, 0, 0], count_include_pad=1)
case("globalaveragepool", "GlobalAveragePool", [img], img.mean((2, 3), keepdims=True))
case("globalmaxpool", "GlobalMaxPool", [img], img.max((2, 3), keepdims=True))
s, o, mean, var = f32([1, 2]), f32([0.5, -1]), f32([0.1, 0.2]), f32([0.5, 2])
chan = lambda v: v[None, :, None, None]
case("batchnormalization", "BatchNormalization", [img, s, o, mean, var],
     (chan(s) * (img - chan(mean)) / np.sqrt(chan(var) + f32(0.01)) + chan(o)).astype(f32), epsilon=0.01)
mu, sd = img.mean((2, 3), keepdims=True), img.var((2, 3), keepdims=True)
case("instancenormalization", "InstanceNormalization", [img, s, o],
     (chan(s) * (img - mu) / np.sqrt(sd + f32(1e-5)) + chan(o)).astype(f32))
mu, sd = t.mean(-1, keepdims=True), t.var(-1, keepdims=True)
gain = f32([1, 2, 3, 4])
case("layernormalization", "LayerNormalization", [t, gain], ((t - mu) / np.sqrt(sd + f32(1e-5)) * gain).astype(f32))
grouped = img.reshape(1, 1, -1)
mu, sd = grouped.mean(-1), grouped.var(-1)
case("groupnormalization_opset18", "GroupNormalization", [img, f32([2]), f32([1])],
     ((img - mu) / np.sqrt(sd + f32(1e-5)) * 2 + 1).astype(f32), opset=18, constants=[1, 2], num_groups=1)
square = img * img
total = square + np.concatenate([square[:, 1:], 0 * square[:, :1]], 1)
case("lrn", "LRN", [img], (img / (1 + 0.5 / 2 * total) ** 0.75).astype(f32), size=2, alpha=0.5, beta=0.75)
case("dropout_is_identity", "Dropout", [t], t)


# --- integers
def quantize(v, scale, zero, kind):
    info = np.iinfo(kind)
    return np.clip(np.rint(v / scale) + zero, info.min, info.max).astype(kind)


u8, i8 = np.uint8, np.int8
v = np.array([-1.25, -0.25, 0, 0.25, 0.75, 1.25, 400, -400], f32)  # ties at scale 0.5
case("quantizelinear_ties", "QuantizeLinear", [v, f32(0.5), u8(128)], quantize(v, f32(0.5), 128, u8))
case("quantizelinear_int8", "QuantizeLinear", [v, f32(0.5), i8(-3)], quantize(v, f32(0.5), -3, i8))
rows, scales = ramp(2, 3, scale=1.5), f32([0.5, 0.25])
case("quantizelinear_per_axis", "QuantizeLinear", [rows, scales, i8([1, -1])],
     quantize(rows, scales[:, None], i8([[1], [-1]]), i8), axis=0)
wide = ramp(2, 4)
spread = f32([[0.5, 0.5, 0.25, 0.25], [1, 1, 2, 2]])
case("quantizelinear_blocked", "QuantizeLinear", [wide, spread[:, ::2]], quantize(wide, spread, 0, u8), axis=1, block_size=2)
code = i8([[-128, 0, 3, 127], [1, 2, 3, 4]])
case("dequantizelinear", "DequantizeLinear", [code, f32(0.25), i8(2)], (code.astype(f32) - 2) * f32(0.25))
case("dequantizelinear_per_axis", "DequantizeLinear", [code, f32([1, 2, 3, 4])], code * f32([1, 2, 3, 4]))
case("dequantizelinear_blocked", "DequantizeLinear", [code, spread[:, ::2]], code * spread, axis=1, block_size=2)
lo, hi = f32(-2), f32(3.5)
step = f32((hi - lo) / 255)
zero = u8(np.rint((0 - lo) / step))
dyn = np.array([-2, 0, 1, 3.5], f32)
case("dynamicquantizelinear", "DynamicQuantizeLinear", [dyn], [quantize(dyn, step, int(zero), u8), step, zero])
xq = (np.arange(40) * 7 % 256).astype(u8).reshape(1, 2, 5, 4)
wq = ((np.arange(36) * 5 % 255) - 127).astype(i8).reshape(3, 2, 3, 2)
bq, ws = np.array([100, -200, 300], np.int32), f32([0.01, 0.02, 0.005])
acc = conv(xq.astype(np.int64) - 30, wq.astype(np.int64), bq, pads=(1, 0, 0, 1))
case("qlinearconv_per_channel", "QLinearConv",
     [xq, f32(0.03), u8(30), wq, ws, np.zeros(3, i8), f32(0.1), u8(100), bq],
     quantize((acc * (f32(0.03) * ws / f32(0.1))[None, :, None, None]).astype(f32), f32(1), 100, u8), pads=[1, 0, 0, 1])
case("convinteger", "ConvInteger", [xq, wq.astype(np.int16).__add__(128).astype(u8), u8(30), u8(128)],
     conv(xq.astype(np.int64) - 30, wq.astype(np.int64)).astype(np.int32))
ma, mb = u8([[1, 200, 3], [255, 0, 9]]), i8([[1, -2], [100, 4], [-128, 127]])
prod = (ma.astype(np.int64) - 5) @ mb.astype(np.int64)
case("matmulinteger", "MatMulInteger", [ma, mb, u8(5)], prod.astype(np.int32))
case("qlinearmatmul", "QLinearMatMul", [ma, f32(0.02), u8(5), mb, f32(0.03), i8(0), f32(0.1), i8(-10)],
     quantize((prod * (f32(0.02) * f32(0.03) / f32(0.1))).astype(f32), f32(1), -10, i8))
