"""Hostile inputs: each must give one clear sentence on stderr, the right exit code, and nothing else.

usage: refuse_test.py PATH_OF_adze [--show]      (--show prints what adze says, for writing expectations)

A case is `check(arguments, exit code, sentence)`: the sentence is compared whole, after paths of the test's folder
were cut to the part below it; `re:` begins a regular expression. Beside that every case requires that stdout is empty
and that the folder holds exactly the files that it held before.
"""
import os
import re
import resource
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import (CLASSES, FLOAT, STRING, attribute, call, field, node, npy, onnx, png, small_images,  # noqa: E402
                     small_network, tensor, value_info, varint, write)

ADZE = os.path.abspath(sys.argv[1])
SHOW = "--show" in sys.argv
failures = []
cases = 0


def files():
    return sorted(os.path.join(d, f) for d, folders, names in os.walk(".") for f in names + folders)


def check(arguments, code, sentence, **how):
    global cases
    cases += 1
    before = files()
    got = call(ADZE, *arguments, **how)
    said = got.err.replace(os.getcwd() + "/", "")
    problems = []
    if got.code != code:
        problems.append("exit code %d, expected %d" % (got.code, code))
    if not said.startswith("adze: ") or not said.endswith("\n") or said.count("\n") != 1:
        problems.append("not one sentence")
    said = said[len("adze: "):].rstrip("\n")
    matches = re.fullmatch(sentence[3:], said, re.S) if sentence.startswith("re:") else said == sentence
    if not matches:
        problems.append("expected: " + sentence)
    if got.out:
        problems.append("stdout: " + got.out[:200])
    left = sorted(set(files()) - set(before))
    if left or set(before) - set(files()):
        problems.append("files changed: %s" % sorted(set(files()) ^ set(before)))
    for path in reversed(left):
        os.rmdir(path) if os.path.isdir(path) else os.remove(path)
    if SHOW:
        print("%d %s\n    -> %s" % (got.code, " ".join(map(str, arguments)), said[:600]))
    if problems:
        failures.append("%s\n    said: %s\n    %s" % (" ".join(map(str, arguments)), said[:600],
                                                       "\n    ".join(problems)))


def model_refused(name, data, code, sentence):
    """The sentence that follows the file's name; every command that reads the file says the same."""
    write(name, data)
    sentence = name + ": " + sentence
    check(["inspect", name, "--json"], code, sentence)
    for command in (["run", name, "--input", "x=x.npy", "--out", "made"],
                    ["quantize", name, "--data", "data.yaml", "--out", "made.onnx", "--encodings", "made.json"],
                    ["opt", name, "--out", "made.onnx"], ["bench", name], ["eval", name, "--data", "data.yaml"]):
        check([*command, "--json"], code, sentence)


def unsupported(name, data, sentence):
    """A model that can be shown and rewritten, but not run."""
    write(name, data)
    sentence = name + ": " + sentence
    for command in (["run", name, "--input", "x=x.npy", "--out", "made"], ["bench", name],
                    ["quantize", name, "--data", "data.yaml", "--out", "made.onnx", "--encodings", "made.json"],
                    ["eval", name, "--data", "data.yaml"], ["inspect", name, "--plan"]):
        check([*command, "--json"], 4, sentence)


X = value_info("x", [1, 3, 8, 8])
Y = value_info("y", [1, 3, 8, 8])
RELU = node("Relu", ["x"], ["y"], "act")


def relu_model(**how):
    return onnx(**{"nodes": [RELU], "inputs": [X], "outputs": [Y], **how})


def conv_model(weight):
    return onnx([node("Conv", ["x", "w"], ["y"], "conv", kernel_shape=[1, 1])], [X], [value_info("y", [1, 2, 8, 8])],
                [weight])


def model_files():
    good = conv_model(tensor("w", [2, 3, 1, 1], [1.0] * 6))
    write("good.onnx", good)
    model_refused("empty.onnx", b"", 3, "not an ONNX model: it has no IR version or no graph")
    model_refused("text.onnx", "this is not a model\n", 3, "truncated or not a protobuf message")
    model_refused("truncated.onnx", good[:len(good) // 2], 3, "truncated or not a protobuf message")
    # Cut anywhere, it must not be taken for a model.
    for cut in range(0, len(good), 7):
        write("cut.onnx", good[:cut])
        check(["inspect", "cut.onnx"], 3, "re:cut.onnx: .+")
    model_refused("long.onnx", varint(7 << 3 | 2) + varint(1 << 40) + b"x", 3, "truncated or not a protobuf message")
    model_refused("cyclic.onnx", onnx([node("Relu", ["b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second")],
                                      [X], [value_info("b", [1, 3, 8, 8])]), 3,
                  "node 'first' (Relu) waits for its own output: the nodes form a cycle")
    model_refused("undefined.onnx", onnx([node("Add", ["x", "ghost"], ["y"], "sum")], [X], [Y]), 3,
                  "node 'sum' (Add): input 'ghost' is not defined anywhere")
    model_refused("twice.onnx", onnx([RELU, node("Abs", ["x"], ["y"], "again")], [X], [Y]), 3,
                  "'y' is the output of both node 'act' (Relu) and node 'again' (Abs)")
    model_refused("no_output.onnx", relu_model(outputs=[]), 3, "the graph has no outputs")
    model_refused("output_ghost.onnx", relu_model(outputs=[value_info("z", [1])]), 3,
                  "output 'z': 'z' is not defined anywhere")
    unsupported("operator.onnx", relu_model(nodes=[node("Frobnicate", ["x"], ["y"], "odd one")]),
                "node 'odd one' (Frobnicate): the operator is not supported")
    unsupported("domain.onnx", relu_model(nodes=[node("Thing", ["x"], ["y"], "foreign", domain="org.acme")],
                                            opsets=(("", 17), ("org.acme", 1))),
                "node 'foreign' (org.acme.Thing): the operator is not supported")
    model_refused("no_domain.onnx", relu_model(nodes=[node("Thing", ["x"], ["y"], "foreign", domain="org.acme")]), 3,
                  "node 'foreign' (org.acme.Thing): the model imports no opset of domain 'org.acme'")
    unsupported("lstm.onnx", onnx([node("LSTM", ["x", "w", "r"], ["y"], "memory", hidden_size=3)], [X], [Y],
                                    [tensor("w", [1, 12, 8], [0.0] * 96), tensor("r", [1, 12, 3], [0.0] * 36)]),
                "node 'memory' (LSTM): the operator is not supported")
    model_refused("opset_old.onnx", relu_model(opsets=(("", 6),)), 4, "opset 6 is not supported, only 7 to 25")
    model_refused("opset_new.onnx", relu_model(opsets=(("", 99),)), 4, "opset 99 is not supported, only 7 to 25")
    model_refused("opset_none.onnx", relu_model(opsets=()), 3,
                  "node 'act' (Relu): the model imports no opset of domain ''")
    model_refused("ir_new.onnx", relu_model(ir_version=99), 4, "IR version 99 is not supported, only 3 to 14")
    model_refused("attribute.onnx", relu_model(nodes=[node("Relu", ["x"], ["y"], "act", slope=3)]), 3,
                  "node 'act' (Relu): unknown attribute 'slope'")
    model_refused("inputs.onnx", relu_model(nodes=[node("Relu", ["x", "x"], ["y"], "act")]), 3,
                  "node 'act' (Relu): has 2 inputs, must have 1")
    model_refused("group.onnx", onnx([node("Conv", ["x", "w"], ["y"], "conv", group=0)], [X], [Y],
                                     [tensor("w", [3, 3, 1, 1], [0.0] * 9)]), 3,
                  "node 'conv' (Conv): group = 0, must be >= 1")
    model_refused("string.onnx", relu_model(inputs=[value_info("x", [1], STRING)]), 4,
                  "input 'x': element type string is not supported")
    model_refused("raw_short.onnx", conv_model(tensor("w", [2, 3, 1, 1], raw=b"1234")), 3,
                  "tensor 'w': raw data has 4 bytes, must have 24")
    model_refused("shape.onnx", conv_model(tensor("w", [2, 4, 1, 1], [1.0] * 8)), 3,
                  "node 'conv' (Conv): input has 3 channels, weight [2,4,1,1] with group 1 needs 4")
    model_refused("declared.onnx", relu_model(outputs=[value_info("y", [1, 3, 8, 9])]), 3,
                  "node 'act' (Relu): computes shape [1,3,8,8] but [1,3,8,9] is declared")
    model_refused("declared_type.onnx", relu_model(outputs=[value_info("y", [1, 3, 8, 8], 7)]), 3,
                  "node 'act' (Relu): output 'y' is float32 but int64 is declared")
    model_refused("absurd.onnx", conv_model(tensor("w", [1 << 31, 1 << 31, 1 << 31, 1], raw=b"")), 3,
                  "tensor 'w': dimensions are negative or too large")
    model_refused("absurd2.onnx", conv_model(tensor("w", [1 << 20, 1 << 10, 1, 1], raw=b"")), 3,
                  "tensor 'w': raw data has 0 bytes, must have 4294967296")
    model_refused("negative.onnx", conv_model(tensor("w", [2, -3, 1, 1], raw=b"")), 3,
                  "tensor 'w': dimensions are negative or too large")
    model_refused("rank.onnx", relu_model(inputs=[value_info("x", [1] * 30)]), 4,
                  "input 'x': rank 30, at most 8 is supported")
    model_refused("input_absurd.onnx", relu_model(inputs=[value_info("x", [1 << 40, 1 << 40, 8, 8])]), 3,
                  "input 'x': dimensions [1099511627776,1099511627776,8,8] are too large")
    huge = [1, 3, 1 << 20, 1 << 20]  # 12 TB
    write("huge.onnx", relu_model(inputs=[value_info("x", huge)], outputs=[value_info("y", huge)]))
    check(["bench", "huge.onnx"], 3, "huge.onnx: input 'x': dimensions [1,3,1048576,1048576] are too large")
    write("expand.onnx", onnx(
        [node("ConstantOfShape", ["s"], ["y"], "ones")], [], [value_info("y", ["a", "b", "c"])],
        [tensor("s", [3], [1 << 20, 1 << 20, 1 << 20], kind=7)]))
    check(["run", "expand.onnx"], 3,
          "expand.onnx: node 'ones' (ConstantOfShape): output of shape [1048576,1048576,1048576] is too large")
    deep = node("Relu", ["x"], ["y"], "act")
    for _ in range(300):
        deep = (field(2, "y") + field(4, "If") + field(5, field(1, "then_branch") + field(20, 5) +
                                                        field(6, field(1, deep) + field(12, value_info("y", [1])))))
    model_refused("deep.onnx", onnx([deep], [X], [Y]), 4, "graphs are nested deeper than 16 levels")
    model_refused("terminal.onnx", relu_model(nodes=[node("Relu", ["ghost"], ["y"], "a\nb\x1b[31m")]), 3,
                  "node 'a?b?[31m' (Relu): input 'ghost' is not defined anywhere")
    nan = struct.pack("<6f", 1, 2, float("nan"), 4, 5, 6)
    write("nan.onnx", conv_model(tensor("w", [2, 3, 1, 1], raw=nan)))
    check(["quantize", "nan.onnx", "--data", "data.yaml", "--out", "made.onnx", "--json"], 3,
          "nan.onnx: weight 'w' holds NaN")
    for value, said in ((0.0, "0"), (-0.5, "-0.5"), (float("nan"), "nan"), (float("inf"), "inf")):
        scales = tensor("s", [3], [1.0, 2.0, value])
        for op in ("QuantizeLinear", "DequantizeLinear"):
            kind = (1, 2) if op == "QuantizeLinear" else (2, 1)
            model_refused("scale.onnx", onnx([node(op, ["x", "s"], ["y"], "format", axis=1)],
                                             [value_info("x", [1, 3, 8, 8], kind[0])],
                                             [value_info("y", [1, 3, 8, 8], kind[1])], [scales]), 3,
                          "node 'format' (%s): scale 's' holds %s, must be positive and finite" % (op, said))
    model_refused("y_scale.onnx", onnx(
        [node("QLinearConv", ["x", "one", "zero", "w", "one", "zero", "none", "zero"], ["y"], "conv")],
        [value_info("x", [1, 3, 8, 8], 2)], [value_info("y", [1, 2, 8, 8], 2)],
        [tensor("one", [], [1.0]), tensor("none", [], [0.0]), tensor("zero", [], [0], kind=2),
         tensor("w", [2, 3, 1, 1], [1] * 6, kind=2)]), 3,
        "node 'conv' (QLinearConv): y_scale 'none' holds 0, must be positive and finite")
    inf = struct.pack("<6f", 1, 2, float("inf"), 4, 5, 6)
    write("inf.onnx", conv_model(tensor("w", [2, 3, 1, 1], raw=inf)))
    check(["quantize", "inf.onnx", "--data", "data.yaml", "--out", "made.onnx", "--json"], 3,
          "inf.onnx: weight 'w' holds an infinity")


def quantized_model():
    for name in "q.adzir", "q.onnx":
        call(ADZE, "quantize", "net.adzir", "--data", "data.yaml", "--calibration", "minmax", "--out", name)
        check(["quantize", name, "--data", "data.yaml", "--out", "made.onnx", "--encodings", "made.json"], 3,
              "re:%s: the network is quantized already: tensor '.+' is u?int8.*" % name)


def external_data():
    def external(**keys):
        return conv_model(tensor("w", [2, 3, 1, 1], external=keys))
    model_refused("ext_missing.onnx", external(location="weights.bin", length=24), 3,
                  "tensor 'w': weights.bin: cannot open: No such file or directory")
    write("short.bin", bytes(10))
    model_refused("ext_short.onnx", external(location="short.bin", offset=0, length=24), 3,
                  "tensor 'w': external data ends at byte 0 + 24, but 'short.bin' has 10 bytes")
    model_refused("ext_offset.onnx", external(location="short.bin", offset=1 << 62, length=24), 3,
                  "tensor 'w': external data ends at byte 4611686018427387904 + 24, but 'short.bin' has 10 bytes")
    model_refused("ext_length.onnx", external(location="short.bin", length=8), 3,
                  "tensor 'w': external data has 8 bytes, must have 24")
    model_refused("ext_number.onnx", external(location="short.bin", offset="-4"), 3,
                  "tensor 'w': external data has offset '-4', must be a number of bytes")
    model_refused("ext_escape.onnx", external(location="../../../etc/passwd", length=24), 3,
                  "tensor 'w': external data '../../../etc/passwd' lies outside the model's folder")
    model_refused("ext_absolute.onnx", external(location="/etc/passwd", length=24), 3,
                  "tensor 'w': external data '/etc/passwd' lies outside the model's folder")
    model_refused("ext_none.onnx", external(length=24), 3, "tensor 'w': external data has no location")
    os.makedirs("folder.bin", exist_ok=True)
    model_refused("ext_folder.onnx", external(location="folder.bin", length=24), 3,
                  "tensor 'w': folder.bin: not a regular file")


def paths():
    check(["inspect", "missing.onnx"], 3, "missing.onnx: cannot open: No such file or directory")
    check(["run", "missing.adzir", "--json"], 3, "missing.adzir: cannot open: No such file or directory")
    os.makedirs("model.onnx", exist_ok=True)
    check(["inspect", "model.onnx"], 3, "model.onnx: not a regular file")
    write("model.tflite", "x")
    check(["inspect", "model.tflite", "--json"], 2,
          "model.tflite: unknown kind of model file; adze reads and writes .onnx and .adzir")
    check(["opt", "net.adzir", "--out", "made.tflite"], 2,
          "made.tflite: unknown kind of model file; adze reads and writes .onnx and .adzir")
    check(["quantize", "net.adzir", "--data", "data.yaml", "--out", "made.tflite"], 2,
          "--out made.tflite: adze writes .onnx and .adzir")
    check(["inspect", "/dev/zero"], 2,
          "/dev/zero: unknown kind of model file; adze reads and writes .onnx and .adzir")
    os.symlink("/dev/zero", "zero.onnx")
    check(["inspect", "zero.onnx"], 3, "zero.onnx: not a regular file")
    os.mkfifo("pipe.onnx")
    check(["inspect", "pipe.onnx"], 3, "pipe.onnx: not a regular file")
    os.remove("pipe.onnx")
    os.symlink("loop.onnx", "loop.onnx")
    check(["inspect", "loop.onnx"], 3, "loop.onnx: cannot open: Too many levels of symbolic links")


def text_form():
    for name, body, sentence in (
            ("syntax", "graph {\n  input %x : float32[1]\n  %y = Relu(%x\n}\n", "line 4, column 1: ')' is expected"),
            ("undefined", "graph {\n  %y = Relu(%x)\n}\n", "line 2, column 13: no value 'x' before this line"),
            ("empty", "", "line 1, column 1: 'graph' is expected"),
            ("binary", bytes(range(256)), "line 1, column 1: unexpected character"),
            ("size", "graph { input %x : float32[1000000,1000000,1000000] output %x }",
             "line 1, column 53: the tensor is too large"),
            ("splat", "graph { const %x : float32[100000000] = splat(0) output %x }",
             "line 1, column 41: splat constants are too large")):
        model_refused(name + ".adzir", body, 3, sentence)
    unsupported("operator.adzir", "graph { input %x : float32[1] %y = Frobnicate(%x) \"odd\" output %y }",
                "node 'odd' (Frobnicate): the operator is not supported")


def tensors():
    net = ["run", "net.adzir", "--out", "made", "--json", "--input"]
    check(net[:-1], 2, "--input must name each network input once: x")
    check([*net, "z=x.npy"], 2, "--input must name each network input once: x")
    check([*net, "x=x.npy", "z=x.npy"], 2, "--input must name each network input once: x")
    check([*net, "x=x.npy", "--input", "x=x.npy"], 2, "--input x is given twice")
    check([*net, "x.npy"], 2, "--input x.npy: must be NAME=FILE.npy")
    check([*net, "x=missing.npy"], 3, "missing.npy: cannot open: No such file or directory")
    check([*net, "x=."], 3, ".: not a regular file")
    check([*net, "x=net.adzir"], 3, "net.adzir: not an npy file")
    good = npy([0.0] * 192, (1, 3, 8, 8))
    for name, data, code, sentence in (
            ("dtype", npy([0.0] * 192, (1, 3, 8, 8), "<f8"), 3,
             "net.adzir: input 'x' must be float32, float64 was given"),
            ("shape", npy([0.0] * 180, (1, 3, 6, 10)), 3,
             "net.adzir: input 'x' has shape [N,3,8,8], [1,3,6,10] was given"),
            ("rank", npy([0.0] * 192, (3, 8, 8)), 3, "net.adzir: input 'x' has shape [N,3,8,8], [3,8,8] was given"),
            ("cut", good[:-1], 3,
             "cut.npy: the header says shape [1,3,8,8] of float32, but 767 bytes of data follow"),
            ("more", good + b"\0", 3,
             "more.npy: the header says shape [1,3,8,8] of float32, but 769 bytes of data follow"),
            ("head", good[:40], 3, "head.npy: the npy header is truncated"),
            ("big_endian", good.replace(b"<f4", b">f4"), 4,
             "big_endian.npy: big-endian data ('>f4') is not supported"),
            ("object", good.replace(b"<f4", b"|O8"), 4, "object.npy: element type '|O8' is not supported"),
            ("absurd", good.replace(b"(1, 3, 8, 8)", b"(99999999999,9999999999)"), 3,
             "absurd.npy: the header says shape [99999999999,9999999999] of float32, but 780 bytes of data follow"),
            ("version", b"\x93NUMPY\x07\x00" + good[8:], 4, "version.npy: npy format version 7.0 is not supported")):
        write(name + ".npy", data)
        check([*net, "x=%s.npy" % name], code, sentence)


def maybe_with_model(sentence):
    """The commands differ in whether they name the model where the data is at fault."""
    pattern = sentence[3:] if sentence.startswith("re:") else re.escape(sentence)
    return r"re:(\w+\.adzir: )?(sample '#\d+': )?" + pattern


def data_sets():
    def refused(text, sentence, code=3, split="all", model="net.adzir"):
        write("bad.yaml", text)
        for command in (["eval", model, "--reference", model],
                        ["quantize", model, "--out", "made.onnx", "--save-statistics", "made.st"]):
            check([*command, "--data", "bad.yaml", "--split", split, "--json"], code, maybe_with_model(sentence))

    raw = "kind: npy\nfile: samples.npy\n"
    check(["eval", "net.adzir", "--data", "missing.yaml"], 3, "missing.yaml: cannot open: No such file or directory")
    check(["eval", "net.adzir", "--data", "images"], 3, "images: not a regular file")
    refused("", "bad.yaml: the file is empty")
    refused("kind: [", "re:bad.yaml:1: not valid YAML: .+")
    refused("- 1\n- 2\n", "bad.yaml: not a list of 'key: value' lines")
    refused("[" * 100000, "bad.yaml:1: nesting is too deep")
    refused("kind: npy\nfile: \"\\0\"\n", "?: cannot open: No such file or directory")
    refused("root: images\n", "bad.yaml:1: 'kind' is missing")
    refused("kind: pictures\n", "bad.yaml:1: unknown kind 'pictures', known: cifar, idx, images, npy, raw, synthetic")
    refused(raw + "colour: rgb\n",
            "bad.yaml:3: unknown key 'colour', known here: array, batched, evaluate, file, files, inputs, kind, labels, "
            "name, preprocess, root, splits")
    refused(raw + "preprocess: {meen: 3}\n", "bad.yaml:3: unknown key 'meen', known here: dtype, mean, scale, std")
    refused(raw + "kind: npy\n", "bad.yaml:3: 'kind' occurs twice")
    refused("kind: &a npy\nfile: *a\n", "bad.yaml:1: anchors and aliases are not supported")
    refused("kind: images\nroot: nowhere\n", "bad.yaml:2: root nowhere is not a folder")
    refused("kind: npy\n", "bad.yaml:1: exactly one of 'file' and 'files' is needed")
    refused("kind: npy\nfile: nowhere.npy\n", "nowhere.npy: cannot open: No such file or directory")
    refused(raw + "preprocess: {std: 0}\n", "bad.yaml:3: 'std' must not be 0")
    refused(raw + "splits: {half: {range: [0, 1000]}}\n",
            "bad.yaml:3: range [0, 1000) of split 'half' does not fit 4 samples", split="half")
    refused(raw, "bad.yaml: no split 'half', it has: all", code=2, split="half")
    refused("kind: npy\nfile: none.npy\n", "none.npy: holds no samples (shape [0,3,8,8])")
    refused("kind: images\nroot: nothing\n", "bad.yaml:1: no images (.jpg, .jpeg, .png) in nothing")
    refused("kind: synthetic\nsamples: 4294967296\nshape: [3, 8, 8]\n",
            "bad.yaml:2: 'samples' is '4294967296', must be an integer >= 1 and <= 10000000")
    refused("kind: synthetic\nsamples: 2\nshape: [99999999, 99999999, 3]\n", "bad.yaml:3: 'shape' is too large")
    refused("kind: synthetic\nsamples: 2\nshape: [3, 9, 8]\n",
            "input 'x' of the network is float32 [N,3,8,8], the data set gives float32 [1,3,9,8]")
    refused("kind: npy\nfile: doubles.npy\n",
            "input 'x' of the network is float32 [N,3,8,8], the data set gives float64 [1,3,8,8]")
    refused("inputs:\n- {kind: npy, file: samples.npy}\n- {kind: npy, file: samples.npy}\n",
            "bad.yaml: describes 2 inputs, the network has 1")
    refused("kind: npy\nname: z\nfile: samples.npy\n", "bad.yaml: the network has no input 'z', it has: x")
    write("bad.yaml", "kind: npy\nfile: nans.npy\n")
    check(["quantize", "conv.adzir", "--data", "bad.yaml", "--out", "made.onnx"], 3,
          "conv.adzir: sample '#0': tensor 'x' holds NaN")
    # Labels
    labelled = raw + "labels: {file: bad_labels.txt, label_column: 0}\n"
    for lines, sentence in (
            ("1\n2\n", "bad.yaml:3: there are 2 labels for 4 samples"),
            ("", "bad_labels.txt: holds no labels"),
            ("1\n2\nx\n3\n", "bad_labels.txt:3: label 'x' is not an integer"),
            ("1\n2\n-3\n3\n", "bad.yaml:3: sample #2 has a negative label"),
            ("1\n2\n99999999999999999999\n3\n", "bad_labels.txt:3: label '99999999999999999999' is not an integer")):
        write("bad_labels.txt", lines)
        refused(labelled, sentence)
    write("bad_labels.txt", "1\n2\n%d\n3\n" % CLASSES)
    write("bad.yaml", labelled)
    check(["eval", "net.adzir", "--data", "bad.yaml", "--json"], 3,
          "bad.yaml: sample #2 has label 5, but the network has 5 classes")
    pictures = "kind: images\nroot: images\npreprocess: {resize: {exact: [8, 8]}}\n"
    refused(pictures + "labels: {file: ../nowhere.txt}\n", "nowhere.txt: cannot open: No such file or directory")
    write("bad_labels.txt", "000.png\t1\nghost.png\t1\n")
    refused(pictures + "labels: {file: ../bad_labels.txt}\n", "bad_labels.txt:2: there is no image images/ghost.png")
    write("bad_labels.txt", "000.png 1\n")
    refused(pictures + "labels: {file: ../bad_labels.txt}\n",
            "bad_labels.txt:1: column 1 is missing (the line has 1, counted from 0)")


def images():
    good = png(bytes(range(192)), 8, 8)
    os.makedirs("one")

    def refused(name, data, sentence, code=3):
        path = write(os.path.join("one", name), data)
        write("bad.yaml", "kind: images\nroot: one\npreprocess: {resize: {exact: [8, 8]}}\n")
        for command in ["eval", "net.adzir", "--metric", "sqnr_db", "--reference", "net.adzir"], [
                "quantize", "net.adzir", "--out", "made.onnx", "--encodings", "made.json"]:
            check([*command, "--data", "bad.yaml", "--json"], code, maybe_with_model(sentence))
        os.remove(path)

    refused("a.png", b"", "one/a.png: the file is empty")
    refused("a.png", "hello", "one/a.png: neither a JPEG nor a PNG file")
    refused("a.png", good[:-20], "one/a.png: unreadable PNG: the file is truncated")
    refused("a.png", good[:70] + bytes([good[70] ^ 255]) + good[71:], "re:one/a.png: unreadable PNG: .+")
    refused("a.png", png(b"", 1 << 30, 1 << 30), "re:one/a.png: unreadable PNG: .+")
    refused("a.png", png(bytes(300), 1 << 15, 1 << 15), "one/a.png: unreadable PNG: the image is too large")
    refused("a.jpg", b"\xff\xd8\xff\xe0" + bytes(50), "re:one/a.jpg: unreadable JPEG: .+")
    refused("a.jpg", good[:50], "one/a.jpg: unreadable PNG: the file is truncated")
    os.mkdir("one/a.png")
    write("bad.yaml", "kind: images\nroot: one\npreprocess: {resize: {exact: [8, 8]}}\n")
    check(["quantize", "net.adzir", "--data", "bad.yaml", "--out", "made.onnx"], 3,
          "bad.yaml:1: no images (.jpg, .jpeg, .png) in one")
    os.rmdir("one/a.png")


def outputs():
    quantize = ["quantize", "net.adzir", "--data", "data.yaml", "--json"]
    check([*quantize, "--out", "nowhere/made.onnx"], 3, "nowhere/made.onnx: cannot create: No such file or directory")
    check([*quantize, "--encodings", "nowhere/made.json"], 3,
          "nowhere/made.json: cannot create: No such file or directory")
    check([*quantize, "--out", "made.onnx", "--save-statistics", "nowhere/made.st"], 3,
          "nowhere/made.st: cannot create: No such file or directory")
    check([*quantize, "--encodings", "images"], 3, "images: is a directory")
    check(quantize, 2, "nothing to write: give --out, --encodings or both")
    check([*quantize, "--form", "qoperator", "--out", "made.adzir"], 2,
          "--form qoperator needs an .onnx file as --out")
    check(["opt", "net.adzir", "--out", "nowhere/made.onnx", "--json"], 3,
          "nowhere/made.onnx: cannot create: No such file or directory")
    check(["opt", "net.adzir", "--out", "images", "--json"], 2,
          "images: unknown kind of model file; adze reads and writes .onnx and .adzir")
    check(["opt", "net.adzir", "--out", "model.onnx", "--json"], 3, "model.onnx: is a directory")
    check(["run", "net.adzir", "--input", "x=x.npy", "--out", "labels.txt", "--json"], 3,
          "labels.txt: cannot create directory: Not a directory")
    check(["run", "net.adzir", "--input", "x=x.npy", "--out", "labels.txt/below", "--json"], 3,
          "labels.txt/below: cannot create directory: Not a directory")
    check([*quantize, "--encodings", "made.json", "--out", "nowhere/made.onnx"], 3,
          "nowhere/made.onnx: cannot create: No such file or directory")
    check([*quantize, "--encodings", "made.json", "--out", "made.tflite"], 2,
          "--out made.tflite: adze writes .onnx and .adzir")
    check([*quantize, "--encodings", "made.json", "--form", "qoperator", "--out", "made.adzir"], 2,
          "--form qoperator needs an .onnx file as --out")
    check(["opt", "net.adzir", "--out", "/proc/made.onnx"], 3,
          "/proc/made.onnx: cannot create: No such file or directory")
    # A disk that fills up: files may not grow over 512 bytes; the old file must survive.
    old = write("old.onnx", "old")
    full = "trap '' XFSZ; ulimit -f 1;"
    check(["opt", "net.adzir", "--out", "old.onnx", "--json"], 3, "old.onnx: cannot write: File too large",
          shell_prefix=full)
    check([*quantize, "--out", "old.onnx"], 3, "old.onnx: cannot write: File too large", shell_prefix=full)
    check([*quantize, "--encodings", "old.onnx"], 3, "old.onnx: cannot write: File too large", shell_prefix=full)
    check([*quantize, "--encodings", "made.json", "--save-statistics", "made.st"], 3,
          "made.json: cannot write: File too large", shell_prefix=full)
    check(["run", "wide.adzir", "--input", "x=x.npy", "--out", "images", "--json"], 3,
          "images/y.npy: cannot write: File too large", shell_prefix=full)
    if not os.path.exists(old) or open(old).read() != "old":
        failures.append("a failed write destroyed the old file")
    if os.path.exists("/dev/full"):
        for command in ["list", "ops"], ["list", "ops", "--json"], ["inspect", "net.adzir", "--text"]:
            check(command, 3, "standard output cannot be written", shell_prefix="exec >/dev/full;")


def options():
    quantize = "quantize net.adzir --data data.yaml --out made.onnx "
    for arguments, sentence in (
            ("", "re:.*subcommand is required.*"),
            ("frobnicate", "re:.*there is no command 'frobnicate'; there are: .*quantize.*"),
            ("run", "run: model is required; see adze run --help"),
            ("inspect net.adzir --frobnicate", "re:.*--frobnicate.*"),
            ("list cows", "re:.*cows.*ops,passes,observers,formats,files,kernels,metrics.*"),
            ("bench net.adzir --threads -1", "re:.*--threads: .+"),
            ("bench net.adzir --threads many", "re:.*--threads: .+"),
            ("bench net.adzir --batch 0", "re:.*--batch: .+"),
            ("bench net.adzir --min-time -1", "re:.*--min-time: .+"),
            ("bench net.adzir --min-time nan", "--min-time must be a number of seconds"),
            ("bench net.adzir --shape x", "--shape x: must be NAME=1,3,224,224"),
            ("bench net.adzir --shape x=1,two", "--shape x=1,two: must be NAME=1,3,224,224"),
            ("bench net.adzir --shape x=", "--shape x=: must be NAME=1,3,224,224"),
            ("bench net.adzir --shape z=1,3,8,8", "--shape z=1,3,8,8: the network has no such input"),
            ("bench free.adzir", "input 'x' has the free dimension M: give --shape x=..."),
            ("opt net.adzir --pipeline cows", "re:opt: --pipeline: cows not in .*simplify.*; see adze opt --help"),
            ("opt net.adzir --pass cows", "net.adzir: unknown pass 'cows'; `adze list passes` shows all"),
            ("opt net.adzir --disable-pass cows", "net.adzir: unknown pass 'cows'; `adze list passes` shows all"),
            ("opt net.adzir --pass lift_qdq", "net.adzir: pass 'lift_qdq' is not part of 'simplify'"),
            ("completion tcsh", "re:completion: shell: tcsh not in .*bash.*zsh.*fish.*"),
            ("man cows", "there is no command 'cows'; see adze --help"),
            ("man run --out pages", "--out writes all pages: leave 'run' out"),
            ("opt net.adzir --stop-after -1", "re:.*--stop-after: .+"),
            ("eval net.adzir", "re:.*--data is required.*"),
            ("eval net.adzir --data data.yaml --metric cows",
             "re:eval: --metric: cows not in .*cosine.*top5.*; see adze eval --help"),
            ("eval net.adzir --data data.yaml --metric flip_rate",
             "metric 'flip_rate' compares with a reference network; give one"),
            ("eval net.adzir --data data.yaml --samples -1", "re:.*--samples: .+"),
            ("eval net.adzir --data data.yaml --batch 0", "re:.*--batch: .+"),
            ("eval net.adzir --data data.yaml --split cows",
             "data.yaml: no split 'cows', it has: all, calibration, evaluation"),
            ("quantize net.adzir", "re:.*--data is required.*"),
            (quantize + "--calibration cows",
             "re:quantize: --calibration: cows not in .*auto,minmax,averaged,percentile,entropy,mse.*; see .*"),
            (quantize + "--percentile 40", "re:.*--percentile: .+"),
            (quantize + "--percentile 50", "net.adzir: the percentile must lie above 50 and not above 100"),
            (quantize + "--samples 0", "re:.*--samples: .+"),
            (quantize + "--weight-bits 1", "re:.*--weight-bits: .+"),
            (quantize + "--activation-bits 16", "re:.*--activation-bits: .+"),
            (quantize + "--keep-int8 cows", "--keep-int8 cows: no convolution or matrix product has that name"),
            (quantize + "--form cows", "re:.*--form: .+"),
            (quantize + "--split cows",
             "net.adzir: data.yaml: no split 'cows', it has: all, calibration, evaluation")):
        check(arguments.split(), 2, sentence)
    check(["bench", "net.adzir", "--json"], 2,
          "net.adzir: ADZE_ISA=cows: unknown instruction set; choose generic, avx2 or avx512vnni",
          env={"ADZE_ISA": "cows"})
    check(["bench", "net.adzir", "--shape", "x=1,3,9,8"], 3,
          "net.adzir: input 'x' has shape [N,3,8,8], [1,3,9,8] was given")
    check(["bench", "net.adzir", "--shape", "x=9999999999999,3,8,8"], 3,
          "input 'x' (--shape, --batch): tensor dimensions are negative or too large")


def diagnoses():
    write("other.yaml", "kind: npy\nfile: doubles.npy\n")
    write("nans.yaml", "kind: npy\nfile: nans.npy\n")
    write("samples.yaml", "kind: npy\nfile: samples.npy\n")
    write("renamed.adzir", small_network().replace("%y", "%z"))
    write("five.adzir", "graph { input %x : float32[N,3,8,8] const %w : float32[5,3,8,8] = splat(0.5) %y = Conv(%x, %w) output %y }")
    for name in "net", "renamed", "five":
        call(ADZE, "quantize", name + ".adzir", "--data", "data.yaml", "--calibration", "minmax", "--out", name + ".q.onnx",
             "--encodings", name + ".encodings.json", "--no-float-tail")
    net, data = ["diagnose", "net.adzir"], ["--data", "data.yaml"]
    unquantized = "no tensor that it computes is quantized (adze compare takes networks of which only weights are); to learn what quantization would do, give the float network alone"
    check([*net, "net.adzir", *data], 3, "net.adzir: " + unquantized)
    check([*net, "wide.adzir", *data, "--json"], 3, "wide.adzir: " + unquantized)
    check(["diagnose", "net.q.onnx", "net.q.onnx", *data], 3,
          "re:net.q.onnx: the network is quantized already: tensor '.+' is u?int8.*")
    check(["diagnose", "wide.adzir", *data], 4,
          "wide.adzir: no convolution or matrix product of it can be quantized: there is nothing to diagnose")
    check([*net, "renamed.q.onnx", *data, "--report", "made.html"], 3,
          "renamed.q.onnx: the networks have different outputs, 'y' and 'z': one is not the other quantized")
    check([*net, "five.q.onnx", *data], 3,
          "five.q.onnx: the networks have different outputs: 'y' is [N,5] and [N,5,1,1]")
    check([*net, "--encodings", "five.encodings.json", *data], 3,
          "five.encodings.json: the encodings name tensor 'w', which the graph does not have")
    check([*net, "--encodings", "missing.json", *data], 3, "re:missing.json: .*No such file or directory")
    check([*net, "missing.onnx", *data], 3, "re:missing.onnx: .*No such file or directory")
    check([*net, "net.q.onnx", "--encodings", "net.encodings.json", *data], 2,
          "QUANTIZED and --encodings both say how the network is quantized; give one")
    check([*net, *data, "--report", "made.pdf"], 2, "--report made.pdf: adze writes .html")
    check([*net, *data, "--report", "nowhere/made.html"], 3, "nowhere/made.html: cannot create: No such file or directory")
    check([*net], 2, "re:.*--data is required.*")
    check([*net, *data, "--samples", "0"], 2, "re:.*--samples: .+")
    check([*net, "net.q.onnx", *data, "--split", "cows"], 2,
          "net.q.onnx: data.yaml: no split 'cows', it has: all, calibration, evaluation")
    check([*net, "net.q.onnx", *data, "--calibration-split", "cows"], 2,
          "net.q.onnx: data.yaml: no split 'cows', it has: all, calibration, evaluation")
    check([*net, "--data", "other.yaml"], 3, "re:net.adzir: .*float64.*")
    check([*net, "net.q.onnx", "--data", "nans.yaml"], 3, "net.q.onnx: tensor 'x' of the float network holds NaN")
    check([*net, "--data", "nans.yaml"], 3, "re:net.adzir: .*tensor 'x' holds NaN")
    check(["diagnose", "conv.adzir", "net.q.onnx", "--data", "samples.yaml"], 3,
          "net.q.onnx: the networks have different outputs: 'y' is [N,1,8,8] and [N,5]")


def fixtures():
    small_images(".", 12)
    write("net.adzir", small_network())
    write("free.adzir", "graph { input %x : float32[N,M] %y = Relu(%x) output %y }")
    write("wide.adzir", "graph { input %x : float32[N,3,8,8] %y = Relu(%x) output %y }")
    write("conv.adzir", "graph { input %x : float32[N,3,8,8] const %w : float32[1,3,1,1] = [1, 2, 3] "
          "%y = Conv(%x, %w) output %y }")
    write("x.npy", npy([0.5] * 192, (1, 3, 8, 8)))
    write("samples.npy", npy([0.5] * 768, (4, 3, 8, 8)))
    write("none.npy", npy([], (0, 3, 8, 8)))
    write("nans.npy", npy([float("nan")] * 768, (4, 3, 8, 8)))
    write("doubles.npy", npy([0.5] * 768, (4, 3, 8, 8), "<f8"))
    os.makedirs("nothing")


def main():
    # A hostile size must fail by a check, not by the machine's memory; and no core files.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fixtures()
        for group in (model_files, quantized_model, external_data, paths, text_form, tensors, data_sets, images, outputs,
                      options, diagnoses):
            group()
        os.chdir("/")
    print("%d cases, %d failures" % (cases, len(failures)))
    for f in failures:
        print(f)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
