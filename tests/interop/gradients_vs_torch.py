"""Gradients against PyTorch: the graphs that adze differentiates and runs beside torch.autograd of the same function.

usage: gradients_vs_torch.py ADZE ADZE_DIFFERENTIATE_MODEL [MODEL.onnx SHAPE ...]
Every case is a network in adze's text form whose weights are inputs, and the same in torch; both get the same random
inputs and output gradients. Each gradient must agree to 2e-5 of its largest element (float32 on both sides).
With models (needs the package onnx), the gradient of a real network's outputs with respect to its input is compared
with that of a small interpreter over torch, for four inputs; SHAPE is that of the input, as 1,3,32,32.
Run by ctest where a Python with PyTorch is found, without models.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

TOLERANCE = 2e-5


def lsq(x, s, z):
    return torch._fake_quantize_learnable_per_tensor_affine(x, s, z, -4, 3, 1.0)


def lsq_channels(x, s, z):
    return torch._fake_quantize_learnable_per_channel_affine(x, s, z, 1, -4, 3, 1.0)


def residual(x, w1, d, w2, f, b):
    h = F.relu6(F.conv2d(x, w1, stride=2, padding=1))
    h = h + F.conv2d(F.hardswish(F.conv2d(h, d, padding=1, groups=4)), w2)
    h = F.max_pool2d(h, 3, 2, 1)
    return F.log_softmax(F.linear(h.mean((2, 3)), f, b), 1)


def attention(x, s, b, q, k, v, o):
    n = F.layer_norm(x, (8,), s, b, 1e-5)
    p = torch.softmax((n @ q) @ (n @ k).transpose(1, 2) * 0.5, -1)
    return x + F.gelu((p @ (n @ v)) @ o)


# name, inputs {name: shape}, text, torch function of the inputs in order, range of the inputs
CASES = [
    ("conv", {"x": (2, 3, 9, 8), "w": (4, 3, 3, 2), "b": (4,)},
     "%y = Conv(%x, %w, %b) {strides=[2,1], pads=[1,1,1,1], dilations=[2,1]}",
     lambda x, w, b: F.conv2d(x, w, b, (2, 1), 1, (2, 1))),
    ("conv groups", {"x": (2, 4, 7, 7), "w": (6, 2, 3, 3)}, "%y = Conv(%x, %w) {group=2, pads=[1,1,1,1]}",
     lambda x, w: F.conv2d(x, w, None, 1, 1, 1, 2)),
    ("conv depthwise", {"x": (2, 5, 9, 9), "w": (5, 1, 3, 3)}, "%y = Conv(%x, %w) {group=5, strides=[2,2], pads=[1,1,1,1]}",
     lambda x, w: F.conv2d(x, w, None, 2, 1, 1, 5)),
    ("conv 1d", {"x": (2, 3, 20), "w": (4, 3, 5)}, "%y = Conv(%x, %w) {strides=[2], pads=[2,2]}",
     lambda x, w: F.conv1d(x, w, None, 2, 2)),
    ("conv 3d", {"x": (1, 2, 5, 6, 4), "w": (3, 2, 2, 3, 2)}, "%y = Conv(%x, %w) {pads=[0,1,0,0,1,0]}",
     lambda x, w: F.conv3d(x, w, None, 1, (0, 1, 0))),
    ("conv transpose", {"x": (2, 4, 5, 4), "w": (4, 3, 3, 3)},
     "%y = ConvTranspose(%x, %w) {group=2, strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]}",
     lambda x, w: F.conv_transpose2d(x, w, None, 2, 1, 1, 2)),
    ("gemm", {"a": (5, 7), "b": (3, 7), "c": (3,)}, "%y = Gemm(%a, %b, %c) {transB=1}", lambda a, b, c: F.linear(a, b, c)),
    ("matmul", {"a": (2, 1, 3, 4), "b": (3, 4, 5)}, "%y = MatMul(%a, %b)", torch.matmul),
    ("broadcast", {"a": (2, 3, 4), "b": (3, 1), "c": (4,)}, "%s = Mul(%a, %b) %d = Div(%s, %c) %y = Sub(%d, %b)",
     lambda a, b, c: a * b / c - b, (0.5, 2)),
    ("max pool", {"x": (2, 3, 9, 8)}, "%y = MaxPool(%x) {kernel_shape=[3,2], strides=[2,2], pads=[1,0,1,0], ceil_mode=1}",
     lambda x: F.max_pool2d(x, (3, 2), 2, (1, 0), ceil_mode=True)),
    ("average pool", {"x": (2, 3, 9, 8)}, "%y = AveragePool(%x) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]}",
     lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    ("average pool, pads count", {"x": (2, 3, 9, 8)},
     "%y = AveragePool(%x) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], count_include_pad=1, ceil_mode=1}",
     lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)),
    ("softmax", {"x": (3, 4, 5)}, "%y = Softmax(%x) {axis=1}", lambda x: torch.softmax(x, 1)),
    ("log softmax", {"x": (3, 7)}, "%y = LogSoftmax(%x)", lambda x: torch.log_softmax(x, -1)),
    ("layer norm", {"x": (3, 4, 5), "s": (5,), "b": (5,)}, "%y = LayerNormalization(%x, %s, %b)",
     lambda x, s, b: F.layer_norm(x, (5,), s, b, 1e-5)),
    ("batch norm", {"x": (3, 4, 5, 2), "s": (4,), "b": (4,), "m": (4,), "v": (4,)},
     "%y = BatchNormalization(%x, %s, %b, %m, %v)",
     lambda x, s, b, m, v: (x - m[:, None, None]) / torch.sqrt(v + 1e-5)[:, None, None] * s[:, None, None] + b[:, None, None],
     (0.5, 2)),
    ("pad, slice, concat", {"x": (2, 5, 6), "z": (2, 2, 6)},
     "const %p : int64[6] = [0,1,2,0,0,1] const %s : int64[2] = [1,-1] const %e : int64[2] = [6,-100] "
     "const %a : int64[2] = [1,2] const %t : int64[2] = [2,-3] "
     "%c = Concat(%x, %z) {axis=1} %q = Pad(%c, %p) %y = Slice(%q, %s, %e, %a, %t)",
     lambda x, z: F.pad(torch.cat((x, z), 1), (2, 1, 1, 0))[:, 1:6:2].flip(2)[:, :, ::3]),
    ("upsampling", {"x": (2, 3, 4, 5)}, "const %f : float32[4] = [1,1,2,3] %y = Resize(%x, _, %f)",
     lambda x: F.interpolate(x, scale_factor=(2, 3), mode="nearest")),
    ("mean", {"x": (2, 3, 4, 5)}, "const %a : int64[2] = [1,-1] %y = ReduceMean(%x, %a) {keepdims=0}",
     lambda x: x.mean((1, 3))),
    ("learned step", {"x": (2, 3, 4), "s": (1,), "z": (1,)},
     "const %i : int64[0] = [] %r = Reshape(%s, %i) %o = Reshape(%z, %i) %y = adze.LearnedQuant(%x, %r, %o) {qmin=-4, qmax=3}",
     lsq, (0.2, 2)),
    ("learned steps", {"x": (2, 3, 40), "s": (3,), "z": (3,)}, "%y = adze.LearnedQuant(%x, %s, %z) {qmin=-4, qmax=3, axis=1}",
     lsq_channels, (0.2, 2)),
    ("residual network", {"x": (2, 3, 16, 16), "w1": (4, 3, 3, 3), "d": (4, 1, 3, 3), "w2": (4, 4, 1, 1), "f": (5, 4), "b": (5,)},
     """const %lo : float32[] = [0] const %hi : float32[] = [6]
     %c1 = Conv(%x, %w1) {pads=[1,1,1,1], strides=[2,2]} %r1 = Clip(%c1, %lo, %hi)
     %c2 = Conv(%r1, %d) {group=4, pads=[1,1,1,1]} %h2 = HardSwish(%c2) %c3 = Conv(%h2, %w2) %s = Add(%r1, %c3)
     %m = MaxPool(%s) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]}
     %g = GlobalAveragePool(%m) %l = Flatten(%g) %z = Gemm(%l, %f, %b) {transB=1} %y = LogSoftmax(%z)""", residual),
    ("attention", {"x": (2, 5, 8), "s": (8,), "b": (8,), "q": (8, 8), "k": (8, 8), "v": (8, 8), "o": (8, 8)},
     """const %half : float32[] = [0.5] %n = LayerNormalization(%x, %s, %b)
     %xq = MatMul(%n, %q) %xk = MatMul(%n, %k) %xv = MatMul(%n, %v) %kt = Transpose(%xk) {perm=[0,2,1]}
     %a = MatMul(%xq, %kt) %as = Mul(%a, %half) %p = Softmax(%as) %c = MatMul(%p, %xv) %d = MatMul(%c, %o)
     %e = Gelu(%d) %y = Add(%x, %e)""", attention),
]
for name, function in [("Relu", F.relu), ("Sigmoid", torch.sigmoid), ("Tanh", torch.tanh), ("HardSigmoid", None),
                       ("HardSwish", F.hardswish), ("adze.Silu", F.silu), ("Gelu", F.gelu), ("Erf", torch.erf),
                       ("Exp", torch.exp), ("Softplus", F.softplus), ("Abs", torch.abs), ("Elu", F.elu),
                       ("LeakyRelu", F.leaky_relu), ("Sin", torch.sin), ("Cos", torch.cos)]:
    function = function or (lambda x: torch.clamp(0.2 * x + 0.5, 0, 1))
    CASES.append((name, {"x": (3, 50)}, f"%y = {name}(%x)", function, (-4, 4)))
for name, function in [("Log", torch.log), ("Sqrt", torch.sqrt), ("Reciprocal", torch.reciprocal)]:
    CASES.append((name, {"x": (3, 50)}, f"%y = {name}(%x)", function, (0.2, 4)))


class Tools:
    def __init__(self, adze, differentiate, folder):
        self.adze, self.differentiate, self.folder = adze, differentiate, folder

    def gradients(self, model, inputs):
        """The outputs of the differentiated model by name; `inputs` are arrays by name."""
        graph = f"{self.folder}/gradient.adzir"
        subprocess.run([self.differentiate, model, "inputs", graph], check=True)
        command = [self.adze, "run", graph, "--out", f"{self.folder}/out"]
        for i, (name, value) in enumerate(inputs.items()):
            np.save(f"{self.folder}/{i}.npy", value)
            command += ["--input", f"{name}={self.folder}/{i}.npy"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return lambda name: np.load(f"{self.folder}/out/" + "".join(c if c.isalnum() or c in ".-_" else "_" for c in name) + ".npy")


def worst(got, want):
    assert got.shape == want.shape, (got.shape, want.shape)
    return float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-6))


def run_case(tools, rng, name, shapes, text, function, span=(-2, 2)):
    inputs = {k: rng.uniform(*span, s).astype(np.float32) for k, s in shapes.items()}
    if name.startswith("learned"):
        inputs["x"] = rng.uniform(-3, 3, shapes["x"]).astype(np.float32)
    leaves = [torch.tensor(v, requires_grad=True) for v in inputs.values()]
    y = function(*leaves)
    seed = rng.uniform(-1, 1, y.shape).astype(np.float32)
    y.backward(torch.tensor(seed))
    model = f"{tools.folder}/model.adzir"
    with open(model, "w") as f:
        f.write("graph {\n")
        for k, s in shapes.items():
            f.write(f"input %{k} : float32[{','.join(map(str, s))}]\n")
        f.write(text + "\noutput %y\n}\n")
    read = tools.gradients(model, {**inputs, "seed/y": seed})
    errors = {"y": worst(read("y"), y.detach().numpy())}
    for k, leaf in zip(shapes, leaves):
        errors[k] = worst(read("grad/" + k), leaf.grad.numpy())
    return errors


def prepare(model):
    """A function of the input that runs the few operators of the classifiers compared here in torch."""
    import onnx
    from onnx import numpy_helper
    g = onnx.load(model).graph
    constants = {t.name: torch.tensor(numpy_helper.to_array(t).copy()) for t in g.initializer}
    steps = [(n, {k.name: onnx.helper.get_attribute_value(k) for k in n.attribute}) for n in g.node]
    for n, a in steps:
        if n.op_type == "Constant":
            constants[n.output[0]] = torch.tensor(numpy_helper.to_array(a["value"]).copy())
    numbers = {k: v.tolist() for k, v in constants.items() if not v.is_floating_point() or v.numel() == 1}

    def run(x):
        values = {**constants, g.input[0].name: x}
        for n, a in steps:
            if n.op_type != "Constant":
                values[n.output[0]] = apply(n.op_type, a, [values[i] if i else None for i in n.input],
                                            [numbers.get(i) for i in n.input])
        return values[g.output[0].name]

    run.input, run.output = g.input[0].name, g.output[0].name
    return run


def apply(op, a, v, c):
    """One operator with attributes `a` on inputs `v`, whose constant numbers are `c`."""
    if op == "Conv":
        p = a.get("pads", [0, 0, 0, 0])
        assert p[:2] == p[2:]
        return F.conv2d(v[0], v[1], v[2] if len(v) > 2 else None, a.get("strides", 1), p[:2], a.get("dilations", 1), a.get("group", 1))
    if op == "BatchNormalization":
        return F.batch_norm(v[0], v[3], v[4], v[1], v[2], False, 0, a.get("epsilon", 1e-5))
    if op == "Gemm":
        assert a.get("transB") == 1
        return F.linear(v[0], v[1], v[2])
    if op == "Clip":
        return torch.clamp(v[0], c[1], c[2])
    if op == "Slice":
        y = v[0]
        for i, axis in enumerate(c[3] if len(c) > 3 else range(len(c[1]))):
            y = y[(slice(None),) * axis + (slice(c[1][i], c[2][i], c[4][i] if len(c) > 4 else 1),)]
        return y
    if op == "Pad":
        r = v[0].dim()
        return F.pad(v[0], [q for i in reversed(range(r)) for q in (c[1][i], c[1][i + r])])
    if op == "Reshape":
        return v[0].reshape([v[0].shape[i] if d == 0 else d for i, d in enumerate(c[1])])
    return {"Relu": F.relu, "Add": torch.add, "Identity": lambda x: x, "Flatten": lambda x: x.flatten(a.get("axis", 1)),
            "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True)}[op](*v)


def run_model(tools, rng, model, shape):
    """Largest and Euclidean error of the input's gradient. An activation within rounding of a Clip's bound passes its
    gradient or not, so a deep network agrees closely for most inputs only; so do torch's own float32 and float64."""
    x = torch.tensor(rng.uniform(-2, 2, tuple(map(int, shape.split(",")))).astype(np.float32), requires_grad=True)
    run = prepare(model)
    y = run(x)
    seed = rng.uniform(-1, 1, y.shape).astype(np.float32)
    y.backward(torch.tensor(seed))
    read = tools.gradients(model, {run.input: x.detach().numpy(), f"seed/{run.output}": seed})
    got, want = read(f"grad/{run.input}"), x.grad.numpy()
    return worst(got, want), float(np.linalg.norm(got - want) / np.linalg.norm(want))


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        tools = Tools(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder)
        rng = np.random.default_rng(11)
        for case in CASES:
            errors = run_case(tools, rng, *case)
            bad = max(errors.values()) > TOLERANCE
            failed += bad
            print(f"{'FAIL' if bad else 'ok  '} {case[0]:26}", " ".join(f"{k} {v:.1e}" for k, v in errors.items()))
        for model, shape in zip(sys.argv[3::2], sys.argv[4::2]):
            maxima, norms = zip(*(run_model(tools, np.random.default_rng(i), model, shape) for i in range(4)))
            bad = min(maxima) > TOLERANCE or max(norms) > 1e-2
            failed += bad
            print(f"{'FAIL' if bad else 'ok  '} {os.path.basename(model):26} largest", " ".join(f"{e:.1e}" for e in maxima),
                  "norm", " ".join(f"{e:.1e}" for e in norms))
    print(f"{len(CASES)} cases, {failed} failed (torch {torch.__version__})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
