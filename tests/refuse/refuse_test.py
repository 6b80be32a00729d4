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
    said = got.err
    problems = []
    if got.code != code:
        problems.append("exit code %d, expected %d" % (got.code, code))
    if code != 2 or said.startswith("adze: "):  # CLI11 words the errors of parsing
        if not said.startswith("adze: ") or not said.endswith("\n") or said.count("\n") != 1:
            problems.append("not one sentence")
        said = said[len("adze: "):].rstrip("\n")
    matches = re.fullmatch(sentence[3:], said, re.S) if sentence.startswith("re:") else said == sentence
    if not matches:
        problems.append("expected: " + sentence)
    if got.out:
        problems.append("stdout: " + got.out[:200])
    if files() != before:
        problems.append("files changed: %s" % sorted(set(files()) ^ set(before)))
    if SHOW:
        print("%d %s\n    -> %s" % (got.code, " ".join(map(str, arguments)), said[:600]))
    if problems:
        failures.append("%s\n    said: %s\n    %s" % (" ".join(map(str, arguments)), said[:600],
                                                       "\n    ".join(problems)))


def model_refused(name, data, code, sentence):
    """The sentence of a model file; every command that reads it says the same."""
    write(name, data)
    check(["inspect", name, "--json"], code, sentence)
    for command in (["run", name, "--input", "x=x.npy", "--out", "made"],
                    ["quantize", name, "--data", "data.yaml", "--out", "made.onnx", "--encodings", "made.json"],
                    ["opt", name, "--out", "made.onnx"], ["bench", name], ["eval", name, "--data", "data.yaml"]):
        check([*command, "--json"], code, sentence)


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
    model_refused("empty.onnx", b"", 3, "?")
    model_refused("text.onnx", "this is not a model\n", 3, "?")
    model_refused("truncated.onnx", good[:len(good) // 2], 3, "?")
    # Cutting anywhere must never be taken for a model, and never crash.
    for cut in range(0, len(good), 7):
        write("cut.onnx", good[:cut])
        check(["inspect", "cut.onnx"], 3, "re:cut.onnx: .+")
    model_refused("long.onnx", varint(7 << 3 | 2) + varint(1 << 40) + b"x", 3, "?")
    model_refused("cyclic.onnx", onnx([node("Relu", ["b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second")],
                                      [X], [value_info("b", [1, 3, 8, 8])]), 3, "?")
    model_refused("undefined.onnx", onnx([node("Add", ["x", "ghost"], ["y"], "sum")], [X], [Y]), 3, "?")
    model_refused("twice.onnx", onnx([RELU, node("Abs", ["x"], ["y"], "again")], [X], [Y]), 3, "?")
    model_refused("no_output.onnx", relu_model(outputs=[]), 3, "?")
    model_refused("output_ghost.onnx", relu_model(outputs=[value_info("z", [1])]), 3, "?")
    model_refused("operator.onnx", relu_model(nodes=[node("Frobnicate", ["x"], ["y"], "odd one")]), 4, "?")
    model_refused("domain.onnx", relu_model(nodes=[node("Thing", ["x"], ["y"], "foreign", domain="org.acme")],
                                            opsets=(("", 17), ("org.acme", 1))), 4, "?")
    model_refused("no_domain.onnx", relu_model(nodes=[node("Thing", ["x"], ["y"], "foreign", domain="org.acme")]), 3,
                  "?")
    model_refused("lstm.onnx", onnx([node("LSTM", ["x", "w", "r"], ["y"], "memory", hidden_size=3)], [X], [Y],
                                    [tensor("w", [1, 12, 8], [0.0] * 96), tensor("r", [1, 12, 3], [0.0] * 36)]), 4,
                  "?")
    model_refused("opset_old.onnx", relu_model(opsets=(("", 6),)), 4, "?")
    model_refused("opset_new.onnx", relu_model(opsets=(("", 99),)), 4, "?")
    model_refused("opset_none.onnx", relu_model(opsets=()), 3, "?")
    model_refused("ir_new.onnx", relu_model(ir_version=99), 4, "?")
    model_refused("attribute.onnx", relu_model(nodes=[node("Relu", ["x"], ["y"], "act", slope=3)]), 3, "?")
    model_refused("inputs.onnx", relu_model(nodes=[node("Relu", ["x", "x"], ["y"], "act")]), 3, "?")
    model_refused("group.onnx", onnx([node("Conv", ["x", "w"], ["y"], "conv", group=0)], [X], [Y],
                                     [tensor("w", [3, 3, 1, 1], [0.0] * 9)]), 3, "?")
    model_refused("string.onnx", relu_model(inputs=[value_info("x", [1], STRING)]), 4, "?")
    model_refused("raw_short.onnx", conv_model(tensor("w", [2, 3, 1, 1], raw=b"1234")), 3, "?")
    model_refused("shape.onnx", conv_model(tensor("w", [2, 4, 1, 1], [1.0] * 8)), 3, "?")
    model_refused("declared.onnx", relu_model(outputs=[value_info("y", [1, 3, 8, 9])]), 3, "?")
    model_refused("declared_type.onnx", relu_model(outputs=[value_info("y", [1, 3, 8, 8], 7)]), 3, "?")
    model_refused("absurd.onnx", conv_model(tensor("w", [1 << 31, 1 << 31, 1 << 31, 1], raw=b"")), 3, "?")
    model_refused("absurd2.onnx", conv_model(tensor("w", [1 << 20, 1 << 10, 1, 1], raw=b"")), 3, "?")
    model_refused("negative.onnx", conv_model(tensor("w", [2, -3, 1, 1], raw=b"")), 3, "?")
    model_refused("rank.onnx", relu_model(inputs=[value_info("x", [1] * 30)]), 4, "?")
    model_refused("input_absurd.onnx", relu_model(inputs=[value_info("x", [1 << 40, 1 << 40, 8, 8])]), 3, "?")
    huge = [1, 3, 1 << 20, 1 << 20]  # 12 TB
    write("huge.onnx", relu_model(inputs=[value_info("x", huge)], outputs=[value_info("y", huge)]))
    check(["bench", "huge.onnx"], 3, "?")
    write("expand.onnx", onnx(
        [node("ConstantOfShape", ["s"], ["y"], "ones")], [], [value_info("y", ["a", "b", "c"])],
        [tensor("s", [3], [1 << 20, 1 << 20, 1 << 20], kind=7)]))
    check(["run", "expand.onnx"], 3, "?")
    deep = node("Relu", ["x"], ["y"], "act")
    for _ in range(300):
        deep = (field(2, "y") + field(4, "If") + field(5, field(1, "then_branch") + field(20, 5) +
                                                        field(6, field(1, deep) + field(12, value_info("y", [1])))))
    model_refused("deep.onnx", onnx([deep], [X], [Y]), 4, "?")
    nan = struct.pack("<6f", 1, 2, float("nan"), 4, 5, 6)
    write("nan.onnx", conv_model(tensor("w", [2, 3, 1, 1], raw=nan)))
    check(["quantize", "nan.onnx", "--data", "data.yaml", "--out", "made.onnx", "--json"], 3, "?")
    inf = struct.pack("<6f", 1, 2, float("inf"), 4, 5, 6)
    write("inf.onnx", conv_model(tensor("w", [2, 3, 1, 1], raw=inf)))
    check(["quantize", "inf.onnx", "--data", "data.yaml", "--out", "made.onnx", "--json"], 3, "?")


def external_data():
    def external(**keys):
        return conv_model(tensor("w", [2, 3, 1, 1], external=keys))
    model_refused("ext_missing.onnx", external(location="weights.bin", length=24), 3, "?")
    write("short.bin", bytes(10))
    model_refused("ext_short.onnx", external(location="short.bin", offset=0, length=24), 3, "?")
    model_refused("ext_offset.onnx", external(location="short.bin", offset=1 << 62, length=24), 3, "?")
    model_refused("ext_length.onnx", external(location="short.bin", length=8), 3, "?")
    model_refused("ext_number.onnx", external(location="short.bin", offset="-4"), 3, "?")
    model_refused("ext_escape.onnx", external(location="../../../etc/passwd", length=24), 3, "?")
    model_refused("ext_absolute.onnx", external(location="/etc/passwd", length=24), 3, "?")
    model_refused("ext_none.onnx", external(length=24), 3, "?")
    os.makedirs("folder.bin", exist_ok=True)
    model_refused("ext_folder.onnx", external(location="folder.bin", length=24), 3, "?")


def paths():
    check(["inspect", "missing.onnx"], 3, "?")
    check(["run", "missing.adzir", "--json"], 3, "?")
    os.makedirs("model.onnx", exist_ok=True)
    check(["inspect", "model.onnx"], 3, "?")
    write("model.tflite", "x")
    check(["inspect", "model.tflite", "--json"], 2, "?")
    check(["opt", "net.adzir", "--out", "made.tflite"], 2, "?")
    check(["quantize", "net.adzir", "--data", "data.yaml", "--out", "made.tflite"], 2, "?")
    check(["inspect", "/dev/zero"], 2, "?")
    os.symlink("/dev/zero", "zero.onnx")
    check(["inspect", "zero.onnx"], 3, "?")
    os.symlink("loop.onnx", "loop.onnx")
    check(["inspect", "loop.onnx"], 3, "?")


def text_form():
    for name, body, sentence in (
            ("syntax", "graph {\n  input %x : float32[1]\n  %y = Relu(%x\n}\n", "?"),
            ("undefined", "graph {\n  %y = Relu(%x)\n}\n", "?"),
            ("empty", "", "?"),
            ("binary", bytes(range(256)), "?"),
            ("size", "graph { input %x : float32[1000000,1000000,1000000] output %x }", "?"),
            ("splat", "graph { const %x : float32[100000000] = splat(0) output %x }", "?")):
        model_refused(name + ".adzir", body, 3, sentence)
    model_refused("operator.adzir", "graph { input %x : float32[1] %y = Frobnicate(%x) \"odd\" output %y }", 4, "?")


def tensors():
    net = ["run", "net.adzir", "--out", "made", "--json", "--input"]
    check(net[:-1], 2, "?")
    check([*net, "z=x.npy"], 2, "?")
    check([*net, "x=x.npy", "z=x.npy"], 2, "?")
    check([*net, "x=x.npy", "--input", "x=x.npy"], 2, "?")
    check([*net, "x.npy"], 2, "?")
    check([*net, "x=missing.npy"], 3, "?")
    check([*net, "x=."], 3, "?")
    check([*net, "x=net.adzir"], 3, "?")
    good = npy([0.0] * 192, (1, 3, 8, 8))
    for name, data, code, sentence in (
            ("dtype", npy([0.0] * 192, (1, 3, 8, 8), "<f8"), 3, "?"),
            ("shape", npy([0.0] * 180, (1, 3, 6, 10)), 3, "?"),
            ("rank", npy([0.0] * 192, (3, 8, 8)), 3, "?"),
            ("zero", npy([], (0, 3, 8, 8)), 3, "?"),
            ("cut", good[:-1], 3, "?"),
            ("more", good + b"\0", 3, "?"),
            ("head", good[:40], 3, "?"),
            ("big_endian", good.replace(b"<f4", b">f4"), 4, "?"),
            ("object", good.replace(b"<f4", b"|O8"), 4, "?"),
            ("absurd", good.replace(b"(1, 3, 8, 8)", b"(99999999999,9999999999)"), 3, "?"),
            ("version", b"\x93NUMPY\x07\x00" + good[8:], 4, "?")):
        write(name + ".npy", data)
        check([*net, "x=%s.npy" % name], code, sentence)


def data_sets():
    def refused(text, sentence, code=3, split="all", model="net.adzir"):
        write("bad.yaml", text)
        for command in ["eval", model], ["quantize", model, "--out", "made.onnx", "--save-statistics", "made.st"]:
            check([*command, "--data", "bad.yaml", "--split", split, "--json"], code, sentence)

    raw = "kind: npy\nfile: samples.npy\n"
    check(["eval", "net.adzir", "--data", "missing.yaml"], 3, "?")
    check(["eval", "net.adzir", "--data", "images"], 3, "?")
    refused("", "?")
    refused("kind: [", "?")
    refused("- 1\n- 2\n", "?")
    refused("root: images\n", "?")
    refused("kind: pictures\n", "?")
    refused(raw + "colour: rgb\n", "?")
    refused(raw + "preprocess: {meen: 3}\n", "?")
    refused(raw + "kind: npy\n", "?")
    refused("kind: &a npy\nfile: *a\n", "?")
    refused("kind: images\nroot: nowhere\n", "?")
    refused("kind: npy\n", "?")
    refused("kind: npy\nfile: nowhere.npy\n", "?")
    refused(raw + "preprocess: {std: 0}\n", "?")
    refused(raw + "splits: {half: {range: [0, 1000]}}\n", "?", split="half")
    refused(raw, "?", code=2, split="half")
    refused("kind: npy\nfile: none.npy\n", "?")
    refused("kind: images\nroot: nothing\n", "?")
    refused("kind: synthetic\nsamples: 2\nshape: [99999999, 99999999, 3]\n", "?")
    refused("kind: synthetic\nsamples: 2\nshape: [3, 9, 8]\n", "?")
    refused("kind: npy\nfile: doubles.npy\n", "?")
    refused("inputs:\n- {kind: npy, file: samples.npy}\n- {kind: npy, file: samples.npy}\n", "?")
    refused("kind: npy\nname: z\nfile: samples.npy\n", "?")
    refused("kind: npy\nfile: nans.npy\n", "?", model="conv.adzir")
    # Labels
    labelled = raw + "labels: {file: bad_labels.txt, label_column: 0}\n"
    for lines, sentence in (("1\n2\n", "?"), ("", "?"), ("1\n2\nx\n3\n", "?"), ("1\n2\n-3\n3\n", "?"),
                            ("1\n2\n99999999999999999999\n3\n", "?")):
        write("bad_labels.txt", lines)
        refused(labelled, sentence)
    write("bad_labels.txt", "1\n2\n%d\n3\n" % CLASSES)
    write("bad.yaml", labelled)
    check(["eval", "net.adzir", "--data", "bad.yaml", "--json"], 3, "?")
    pictures = "kind: images\nroot: images\npreprocess: {resize: {exact: [8, 8]}}\n"
    refused(pictures + "labels: {file: ../nowhere.txt}\n", "?")
    write("bad_labels.txt", "000.png\t1\nghost.png\t1\n")
    refused(pictures + "labels: {file: ../bad_labels.txt}\n", "?")
    write("bad_labels.txt", "000.png 1\n")
    refused(pictures + "labels: {file: ../bad_labels.txt}\n", "?")


def images():
    good = png(bytes(range(192)), 8, 8)
    os.makedirs("one")

    def refused(name, data, sentence, code=3):
        path = write(os.path.join("one", name), data)
        write("bad.yaml", "kind: images\nroot: one\npreprocess: {resize: {exact: [8, 8]}}\n")
        for command in ["eval", "net.adzir", "--metric", "sqnr_db", "--reference", "net.adzir"], [
                "quantize", "net.adzir", "--out", "made.onnx", "--encodings", "made.json"]:
            check([*command, "--data", "bad.yaml", "--json"], code, sentence)
        os.remove(path)

    refused("a.png", b"", "?")
    refused("a.png", "hello", "?")
    refused("a.png", good[:-20], "?")
    refused("a.png", good[:70] + bytes([good[70] ^ 255]) + good[71:], "?")
    refused("a.png", good[:16] + struct.pack(">II", 1 << 30, 1 << 30) + good[24:], "?")
    refused("a.jpg", b"\xff\xd8\xff\xe0" + bytes(50), "?")
    refused("a.jpg", good[:50], "?")
    os.mkdir("one/a.png")
    write("bad.yaml", "kind: images\nroot: one\npreprocess: {resize: {exact: [8, 8]}}\n")
    check(["quantize", "net.adzir", "--data", "bad.yaml", "--out", "made.onnx"], 3, "?")
    os.rmdir("one/a.png")


def outputs():
    quantize = ["quantize", "net.adzir", "--data", "data.yaml", "--json"]
    check([*quantize, "--out", "nowhere/made.onnx"], 3, "?")
    check([*quantize, "--encodings", "nowhere/made.json"], 3, "?")
    check([*quantize, "--out", "made.onnx", "--save-statistics", "nowhere/made.st"], 3, "?")
    check([*quantize, "--encodings", "images"], 3, "?")
    check(quantize, 2, "?")
    check([*quantize, "--form", "qoperator", "--out", "made.adzir"], 2, "?")
    check(["opt", "net.adzir", "--out", "nowhere/made.onnx", "--json"], 3, "?")
    check(["opt", "net.adzir", "--out", "images", "--json"], 2, "?")
    check(["opt", "net.adzir", "--out", "model.onnx", "--json"], 3, "?")
    check(["run", "net.adzir", "--input", "x=x.npy", "--out", "labels.txt", "--json"], 3, "?")
    check(["run", "net.adzir", "--input", "x=x.npy", "--out", "labels.txt/below", "--json"], 3, "?")
    # A disk that fills up: files may not grow over 512 bytes; the old file must survive.
    old = write("old.onnx", "old")
    full = "trap '' XFSZ; ulimit -f 1;"
    check(["opt", "net.adzir", "--out", "old.onnx", "--json"], 3, "?", shell_prefix=full)
    check([*quantize, "--out", "old.onnx"], 3, "?", shell_prefix=full)
    check([*quantize, "--encodings", "old.onnx"], 3, "?", shell_prefix=full)
    check([*quantize, "--encodings", "made.json", "--save-statistics", "made.st"], 3, "?", shell_prefix=full)
    check(["run", "wide.adzir", "--input", "x=x.npy", "--out", "full", "--json"], 3, "?", shell_prefix=full)
    if open(old).read() != "old":
        failures.append("a failed write destroyed the old file")
    if os.path.exists("/dev/full"):
        for command in ["list", "ops"], ["list", "ops", "--json"], ["inspect", "net.adzir", "--text"]:
            check(command, 3, "?", shell_prefix="exec >/dev/full;")


def options():
    for arguments, sentence in (
            ([], "?"), (["frobnicate"], "?"), (["run"], "?"), (["inspect", "net.adzir", "--frobnicate"], "?"),
            (["list", "cows"], "?"), (["bench", "net.adzir", "--threads", "-1"], "?"),
            (["bench", "net.adzir", "--threads", "many"], "?"), (["bench", "net.adzir", "--batch", "0"], "?"),
            (["bench", "net.adzir", "--min-time", "-1"], "?"), (["bench", "net.adzir", "--min-time", "nan"], "?"),
            (["bench", "net.adzir", "--shape", "x"], "?"), (["bench", "net.adzir", "--shape", "x=1,two"], "?"),
            (["bench", "net.adzir", "--shape", "z=1,3,8,8"], "?"),
            (["bench", "net.adzir", "--shape", "x="], "?"),
            (["bench", "free.adzir"], "?"),
            (["opt", "net.adzir", "--pipeline", "cows"], "?"), (["opt", "net.adzir", "--pass", "cows"], "?"),
            (["opt", "net.adzir", "--disable-pass", "cows"], "?"), (["opt", "net.adzir", "--stop-after", "-1"], "?"),
            (["eval", "net.adzir"], "?"), (["eval", "net.adzir", "--data", "data.yaml", "--metric", "cows"], "?"),
            (["eval", "net.adzir", "--data", "data.yaml", "--metric", "flip_rate"], "?"),
            (["eval", "net.adzir", "--data", "data.yaml", "--samples", "-1"], "?"),
            (["eval", "net.adzir", "--data", "data.yaml", "--batch", "0"], "?"),
            (["eval", "net.adzir", "--data", "data.yaml", "--split", "cows"], "?"),
            (["quantize", "net.adzir"], "?"),
            (["quantize", "net.adzir", "--data", "data.yaml", "--out", "made.onnx", "--calibration", "cows"], "?"),
            (["quantize", "net.adzir", "--data", "data.yaml", "--out", "made.onnx", "--percentile", "40"], "?"),
            (["quantize", "net.adzir", "--data", "data.yaml", "--out", "made.onnx", "--samples", "0"], "?"),
            (["quantize", "net.adzir", "--data", "data.yaml", "--out", "made.onnx", "--form", "cows"], "?"),
            (["quantize", "net.adzir", "--data", "data.yaml", "--out", "made.onnx", "--split", "cows"], "?")):
        check(arguments, 2, sentence)
    check(["bench", "net.adzir", "--json"], 2, "?", env={"ADZE_ISA": "cows"})
    check(["bench", "net.adzir", "--shape", "x=1,3,9,8"], 3, "?")
    check(["bench", "net.adzir", "--shape", "x=0,3,8,8"], 3, "?")
    check(["bench", "net.adzir", "--batch", "1000000", "--shape", "x=99999999,3,8,8"], 3, "?")


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
        for group in model_files, external_data, paths, text_form, tensors, data_sets, images, outputs, options:
            group()
        os.chdir("/")
    print("%d cases, %d failures" % (cases, len(failures)))
    for f in failures:
        print(f)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
