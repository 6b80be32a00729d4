"""The program from end to end on a small network: every command, every field, and what must agree with what.

usage: e2e_test.py PATH_OF_adze [unittest arguments]
"""
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import CLASSES, SIZE, call, floats, npy, read_npy, small_images, small_network, write  # noqa: E402

ADZE = os.path.abspath(sys.argv.pop(1))
OBSERVERS = ["minmax", "averaged", "percentile", "entropy", "mse"]
COMMANDS = ["inspect", "run", "eval", "compress", "quantize", "compare", "diagnose", "sensitivity", "report", "opt", "convert", "bench", "list", "doctor",
            "completion", "man"]
EVIDENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "report", "evidence.json")
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "cli.md")
# Multiply-accumulates of the small network: two convolutions with padding, and the Gemm.
MACS = SIZE * SIZE * (8 * 27 + 8 * 9) + 8 * CLASSES
ISAS = ["generic", "avx2", "avx512vnni"]


def adze(*arguments, **how):
    got = call(ADZE, *arguments, **how)
    if got.code != 0:
        raise AssertionError("%s: exit code %d: %s" % (" ".join(map(str, arguments)), got.code, got.err))
    if got.err:
        raise AssertionError("%s: said on stderr, which is no terminal: %s" % (" ".join(map(str, arguments)), got.err))
    return got.out


def adze_json(*arguments, **how):
    return json.loads(adze(*arguments, "--json", **how))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def run(model, **how):
    """The bytes of the output's .npy."""
    adze("run", model, "--input", "x=x.npy", "--out", "out", **how)
    return read("out/y.npy")


def quantize(out, *arguments, **how):
    return adze_json("quantize", "net.adzir", "--data", "data.yaml", "--split", "calibration", "--out", out,
                     *arguments, **how)


def supported_isas():
    return [isa for isa in ISAS if call(ADZE, "inspect", "net.adzir", "--plan", env={"ADZE_ISA": isa}).code == 0]


def reference(x):
    """The small network on one sample in plain Python, from its definition: `x` has 3 * SIZE * SIZE numbers."""
    w1, b1 = floats(8 * 27, 0.3, 1), floats(8, 0.2, 2)
    w2, b2 = floats(8 * 9, 0.4, 3), floats(8, 0.2, 4)
    w3, b3 = floats(CLASSES * 8, 0.8, 5), floats(CLASSES, 0.1, 6)

    def window(plane, i, j, kernel):
        return sum(plane[y * SIZE + z] * kernel[3 * (y - i + 1) + z - j + 1]
                   for y in range(max(0, i - 1), min(SIZE, i + 2)) for z in range(max(0, j - 1), min(SIZE, j + 2)))

    area = SIZE * SIZE
    places = [(i, j) for i in range(SIZE) for j in range(SIZE)]
    pooled = []
    for o in range(8):
        first = [max(0, b1[o] + sum(window(x[c * area:(c + 1) * area], i, j, w1[o * 27 + c * 9:o * 27 + c * 9 + 9])
                                    for c in range(3))) for i, j in places]
        second = [max(0, b2[o] + window(first, i, j, w2[o * 9:o * 9 + 9])) for i, j in places]
        pooled.append(sum(first + second) / area)
    return [b3[k] + sum(w3[k * 8 + o] * pooled[o] for o in range(8)) for k in range(CLASSES)]


class Float(unittest.TestCase):
    def test_run_computes_the_network(self):
        report = adze_json("run", "net.adzir", "--input", "x=x.npy", "--out", "one/two")
        self.assertEqual(report, {"outputs": [
            {"name": "y", "dtype": "float32", "shape": [2, CLASSES], "file": "one/two/y.npy"}]})
        y, shape = read_npy("one/two/y.npy")
        self.assertEqual(shape, (2, CLASSES))
        x, _ = read_npy("x.npy")
        want = reference(x[:len(x) // 2]) + reference(x[len(x) // 2:])
        for a, b in zip(y, want):
            self.assertAlmostEqual(a, b, delta=1e-5 * max(map(abs, want)))

    def test_run_without_out_writes_nothing(self):
        before = sorted(os.listdir("."))
        self.assertEqual(adze("run", "net.adzir", "--input", "x=x.npy"), "y: float32[2,%d]\n" % CLASSES)
        self.assertNotIn("file", adze_json("run", "net.adzir", "--input", "x=x.npy")["outputs"][0])
        self.assertEqual(sorted(os.listdir(".")), before)

    def test_empty_batch(self):
        write("none.npy", npy([], (0, 3, SIZE, SIZE)))
        report = adze_json("run", "net.adzir", "--input", "x=none.npy")
        self.assertEqual(report["outputs"][0]["shape"], [0, CLASSES])

    def test_threads_do_not_change_bits(self):
        for isa in supported_isas():
            outputs = set()
            for threads in "1", "2", "3":
                adze("run", "net.adzir", "--input", "x=x.npy", "--out", "out", "--threads", threads,
                     env={"ADZE_ISA": isa})
                outputs.add(read("out/y.npy"))
            self.assertEqual(len(outputs), 1, isa)

    def test_inspect(self):
        report = adze_json("inspect", "net.adzir")
        self.assertEqual(list(report), ["producer", "ir_version", "opsets", "inputs", "outputs", "nodes", "macs",
                                        "parameters", "parameter_bytes", "ops", "unsupported_ops", "graph_hash"])
        self.assertEqual(report["inputs"], [{"name": "x", "type": "float32[N,3,%d,%d]" % (SIZE, SIZE)}])
        self.assertEqual(report["outputs"], [{"name": "y", "type": "float32[N,%d]" % CLASSES}])
        self.assertEqual(report["nodes"], 8)
        self.assertEqual(report["macs"], MACS)
        self.assertEqual(report["parameters"], 8 * 27 + 8 + 8 * 9 + 8 + CLASSES * 8 + CLASSES)
        self.assertEqual(report["parameter_bytes"], 4 * report["parameters"])
        self.assertEqual(report["ops"], {"Add": 1, "Conv": 2, "Flatten": 1, "Gemm": 1, "GlobalAveragePool": 1,
                                         "Relu": 2})
        self.assertEqual(report["unsupported_ops"], [])
        self.assertRegex(report["graph_hash"], "^[0-9a-f]{64}$")
        self.assertIn("8 nodes", adze("inspect", "net.adzir"))
        self.assertIn('"depthwise"', adze("inspect", "net.adzir", "--text"))
        write("odd.adzir", 'graph { input %x : float32[1] %y = Frobnicate(%x) output %y }')
        self.assertEqual(adze_json("inspect", "odd.adzir")["unsupported_ops"], ["Frobnicate"])
        self.assertIn("(not supported)", adze("inspect", "odd.adzir"))

    def test_inspect_plan(self):
        plan = adze_json("inspect", "net.adzir", "--plan", env={"ADZE_ISA": "generic"})
        self.assertEqual(plan["isa"], "generic")
        for step in plan["steps"]:
            self.assertEqual(list(step), ["kernel", "op", "node", "output", "layout"])
        kernels = [s["kernel"] for s in plan["steps"]]
        self.assertIn("depthwise_f32", kernels)
        self.assertEqual(set(kernels) - {i["name"] for i in adze_json("list", "kernels")["kernels"]}, set())

    def test_onnx_holds_the_same_network(self):
        adze("opt", "net.adzir", "--out", "net.onnx")
        adze("opt", "net.onnx", "--out", "again.onnx")
        self.assertEqual(run("net.onnx"), run("net.adzir"))
        self.assertEqual(run("again.onnx"), run("net.adzir"))
        adze("opt", "again.onnx", "--out", "again.onnx")  # onto the file that is being read
        self.assertEqual(run("again.onnx"), run("net.adzir"))
        report = adze_json("inspect", "net.onnx")
        self.assertEqual(report["inputs"], [{"name": "x", "type": "float32[N,3,%d,%d]" % (SIZE, SIZE)}])
        self.assertGreaterEqual(report["opsets"]["ai.onnx"], 13)


class Opt(unittest.TestCase):
    def test_every_pass_alone_and_left_out(self):
        before, _ = read_npy_of("messy.adzir")
        names = [p["name"] for p in adze_json("list", "passes")["passes"]]
        pipelines = {"simplify": 0, "fuse": 0}
        for pipeline in pipelines:
            for name in names:
                for option in "--pass", "--disable-pass":
                    got = call(ADZE, "opt", "messy.adzir", "--pipeline", pipeline, option, name, "--out", "o.adzir",
                               "--json")
                    if got.code == 2:
                        self.assertIn("is not part of '%s'" % pipeline, got.err)
                        continue
                    self.assertEqual(got.code, 0, got.err)
                    report = json.loads(got.out)
                    passes = [p["pass"] for p in report["passes"]]
                    if option == "--pass":
                        self.assertEqual(passes, [name])
                        pipelines[pipeline] += 1
                    else:
                        self.assertNotIn(name, passes)
                    after, _ = read_npy_of("o.adzir")
                    for a, b in zip(after, before):
                        self.assertAlmostEqual(a, b, delta=1e-5 * max(map(abs, before)), msg=name)
        self.assertGreaterEqual(pipelines["simplify"], 12)
        self.assertGreaterEqual(pipelines["fuse"], 4)

    def test_stop_after(self):
        total = adze_json("opt", "messy.adzir")["patches"]
        self.assertGreater(total, 3)
        for limit in range(total + 2):
            report = adze_json("opt", "messy.adzir", "--stop-after", limit, "--out", "o.adzir")
            self.assertEqual(report["patches"], min(limit, total))
            self.assertEqual(report["patches"], sum(p["patches"] for p in report["passes"]))
        self.assertEqual(adze_json("inspect", "o.adzir")["nodes"], report["nodes_after"])
        self.assertEqual(adze_json("opt", "o.adzir")["patches"], 0, "a second run changes nothing")

    def test_explain(self):
        report = adze_json("opt", "messy.adzir", "--explain")
        self.assertEqual(list(report), ["nodes_before", "nodes_after", "patches", "passes", "refusals"])
        self.assertLess(report["nodes_after"], report["nodes_before"])
        self.assertTrue(report["refusals"])
        for r in report["refusals"]:
            self.assertTrue(r["pass"] and r["node"] and r["reason"], r)
        self.assertEqual(adze_json("opt", "messy.adzir")["refusals"], [])
        self.assertIn(": no, ", adze("opt", "messy.adzir", "--explain"))


def read_npy_of(model):
    run(model)
    return read_npy("out/y.npy")


class Sensitivity(unittest.TestCase):
    def test_every_layer_both_ways(self):
        r = adze_json("sensitivity", "net.adzir", "--data", "data.yaml")
        self.assertEqual(list(r), ["split", "calibration_split", "samples", "metric", "all_quantized", "layers", "agreement",
                                   "notes", "share_repeated", "seconds", "peak_rss_bytes"])
        self.assertEqual(len(r["layers"]), 3)
        for layer in r["layers"]:
            self.assertEqual(list(layer), ["layer", "result", "op", "macs", "parameters", "quantized_alone", "float_alone", "gain_db",
                                           "fisher_kl", "hessian_sqnr_db"])
            self.assertGreater(layer["quantized_alone"]["sqnr_db"], r["all_quantized"]["sqnr_db"] - 1)
        self.assertEqual(sum(layer["macs"] for layer in r["layers"]), MACS)
        four = adze_json("sensitivity", "net.adzir", "--data", "data.yaml", "--weight-bits", "4")
        for eight, narrow in zip(r["layers"], four["layers"]):
            self.assertLess(narrow["quantized_alone"]["sqnr_db"], eight["quantized_alone"]["sqnr_db"])
        self.assertIn("… 2 more", adze("sensitivity", "net.adzir", "--data", "data.yaml", "--top", "1"))

    def test_refusals(self):
        write("relu.adzir", "graph { input %x : float32[1,4] %y = Relu(%x) output %y }")
        got = call(ADZE, "sensitivity", "relu.adzir", "--data", "data.yaml")
        self.assertEqual(got.code, 4)
        self.assertIn("can be quantized", got.err)
        quantize("q.onnx", "--calibration", "minmax")
        got = call(ADZE, "sensitivity", "q.onnx", "--data", "data.yaml")
        self.assertEqual(got.code, 3)


class Quantize(unittest.TestCase):
    def test_every_observer_and_thread_count_gives_the_same_bytes(self):
        files = ["q.onnx", "q.encodings.json", "q.statistics"]
        for observer in OBSERVERS + ["auto"]:
            written = []
            for threads in "1", "2":
                report = quantize("q.onnx", "--calibration", observer, "--threads", threads, "--encodings",
                                  "q.encodings.json", "--save-statistics", "q.statistics")
                written.append([read(f) for f in files])
                self.assertEqual(report["int8_macs_share"], 1)
                for t in report["tensors"]:
                    self.assertIn(t["observer"], ["fixed", observer] if observer != "auto" else OBSERVERS + ["fixed"])
            for name, one, two in zip(files, *written):
                self.assertEqual(one, two, "%s with %s depends on the number of threads" % (name, observer))

    def test_report(self):
        report = quantize("q.onnx")
        self.assertEqual(list(report), ["samples", "int8_macs_share", "float_nodes", "equalized", "rounded", "corrected_biases", "repairs", "tensors", "scores",
                                        "collect_s", "auto_s", "apply_s", "wall_s", "peak_rss_bytes"])
        self.assertEqual(report["samples"], 12)
        self.assertEqual(report["float_nodes"], [])
        self.assertGreater(report["peak_rss_bytes"], 1e6)
        self.assertGreater(report["wall_s"], report["collect_s"])
        scores = {s["observer"]: s["sqnr_db"] for s in report["scores"]}
        self.assertEqual(set(scores), {"auto", "per tensor", *OBSERVERS})
        self.assertEqual(scores["auto"], max(scores.values()))
        self.assertEqual(quantize("q.onnx", "--calibration", "mse", "--samples", "5")["samples"], 5)
        self.assertIn("100.00 %", adze("quantize", "net.adzir", "--data", "data.yaml", "--out", "q.onnx"))

    def test_the_files_written_are_the_network_that_was_measured(self):
        for extra in [], ["--symmetric"], ["--no-float-tail"]:
            quantize("q.adzir", "--calibration", "minmax", *extra)
            quantize("q.onnx", "--calibration", "minmax", *extra)
            want = run("q.adzir")
            self.assertEqual(run("q.onnx"), want, extra)
            adze("opt", "q.onnx", "--out", "q2.onnx")
            self.assertEqual(run("q2.onnx"), want, extra)
            adze("opt", "q.onnx", "--pipeline", "lift", "--out", "q3.adzir")
            self.assertEqual(run("q3.adzir"), want, extra)
            quantize("qo.onnx", "--calibration", "minmax", "--form", "qoperator", *extra)
            self.assertEqual(run("qo.onnx"), want, extra)
            self.assertIn("QLinearConv", adze_json("inspect", "qo.onnx")["ops"])

    def test_integers_are_the_same_on_every_instruction_set(self):
        for extra in [], ["--symmetric"]:
            quantize("q.onnx", "--calibration", "mse", *extra)
            outputs = {}
            for isa in supported_isas():
                for threads in "1", "2":
                    adze("run", "q.onnx", "--input", "x=x.npy", "--out", "out", "--threads", threads,
                         env={"ADZE_ISA": isa})
                    outputs[isa, threads] = read("out/y.npy")
            self.assertEqual(len(set(outputs.values())), 1, list(outputs))
            kernels = [s["kernel"] for s in adze_json("inspect", "q.onnx", "--plan")["steps"]]
            self.assertTrue({"conv_i8", "depthwise_i8", "add_i8", "pool_i8"} <= set(kernels), kernels)

    def test_symmetric(self):
        quantize("q.onnx", "--encodings", "q.encodings.json", "--symmetric", "--calibration", "minmax")
        with open("q.encodings.json") as f:
            tensors = json.load(f)["tensors"]
        self.assertEqual({t["zero_point"] for t in tensors.values() if t["storage"] == "uint8"}, {128})

    def test_save_float(self):
        quantize("q.onnx", "--save-float", "adjusted.onnx", "--calibration", "minmax")
        r = adze_json("eval", "adjusted.onnx", "--data", "data.yaml", "--reference", "net.adzir")
        self.assertGreater(r["sqnr_db"], 30)  # weights are on their grids
        q = adze_json("eval", "q.onnx", "--data", "data.yaml", "--reference", "net.adzir")
        self.assertGreater(r["sqnr_db"], q["sqnr_db"])

    def test_weight_only(self):
        for name in "int8", "int4", "int3", "nf4", "mxfp4", "kmeans3", "fp8_e4m3":
            for data in [], ["--data", "data.yaml", "--split", "calibration"]:
                report = adze_json("quantize", "net.adzir", "--weight-only", "--weight-format", name, "--out", "w.onnx",
                                   "--encodings", "w.encodings.json", *data)
                self.assertEqual(report["quantized_weights_share"], 1)
                self.assertEqual(report["samples"], 12 if data else 0)
                self.assertEqual(report["reconstructed"] > 0, bool(data))
                adze("quantize", "net.adzir", "--weight-only", "--weight-format", name, "--out", "w.adzir", *data)
                self.assertEqual(run("w.onnx"), run("w.adzir"), name)
        self.assertLess(os.path.getsize("w.onnx"), os.path.getsize("net.adzir"))
        adze("quantize", "net.adzir", "--weight-only", "--weight-bits", "4", "--block-size", "4", "--out", "w.adzir")
        with open("w.adzir") as f:
            self.assertIn("block_size=4", f.read())

    def test_weight_only_refusals(self):
        for arguments, sentence in [
                (["--weight-only", "--weight-format", "int9"], "no format of weights; see adze list formats"),
                (["--weight-only", "--reduce-range"], "it is for integer products"),
                (["--weight-only", "--weight-format", "nf4", "--weight-bits", "4"], "give one"),
                (["--weight-only", "--form", "qoperator"], "operators on integers need integer activations"),
                (["--weight-only", "--activation-bits", "4"], "activations stay float"),
                (["--weight-only", "--save-statistics", "s"], "takes no statistics"),
                (["--weight-format", "nf4", "--data", "data.yaml"], "need --weight-only"),
                ([], "--data is required")]:
            got = call(ADZE, "quantize", "net.adzir", "--out", "w.onnx", *arguments)
            self.assertEqual(got.code, 2)
            self.assertIn(sentence, got.err)
        # What was there before a failure is there behind it.
        for extra in ["--weight-only"], ["--data", "data.yaml"]:
            write("w.onnx", "precious")
            got = call(ADZE, "quantize", "net.adzir", "--out", "w.onnx", "--encodings", "missing/e.json", *extra)
            self.assertEqual(got.code, 3)
            self.assertEqual(read("w.onnx"), b"precious")
            self.assertFalse([f for f in os.listdir(".") if "adze-old" in f])
        write("relu.adzir", "graph { input %x : float32[1,4] %y = Relu(%x) output %y }")
        got = call(ADZE, "quantize", "relu.adzir", "--weight-only", "--out", "w.onnx")
        self.assertEqual(got.code, 4)
        self.assertIn("no convolution", got.err)

    def test_reduced_range(self):
        quantize("q.adzir", "--reduce-range", "--calibration", "minmax")
        with open("q.adzir") as f:
            codes = [int(c) for line in f if "quant(int8" in line and line.strip().startswith("const")
                     for c in line[line.rindex("[") + 1:line.rindex("]")].split(",")]
        self.assertTrue(codes)
        self.assertEqual(max(map(abs, codes)), 63)

    def test_encodings(self):
        quantize("q.onnx", "--encodings", "q.encodings.json", "--calibration", "minmax")
        with open("q.encodings.json") as f:
            encodings = json.load(f)
        self.assertEqual(encodings["format"], "adze.encodings")
        self.assertEqual(encodings["version"], 1)
        tensors = encodings["tensors"]
        for name in "x", "w1", "w2", "w3":
            self.assertIn(name, tensors)
        self.assertNotIn("y", tensors)  # the result of the last multiply-accumulate is not rounded
        self.assertEqual(len(tensors["w1"]["scale"]), 8)
        # The weight's scale from its definition: largest magnitude of the channel over 127, unless a bias needed more.
        w1 = floats(8 * 27, 0.3, 1)
        for c in range(8):
            self.assertAlmostEqual(tensors["w1"]["scale"][c], max(map(abs, w1[27 * c:27 * c + 27])) / 127, delta=1e-7)

    def test_a_network_without_products_stays_float(self):
        write("relu.adzir", "graph { input %%x : float32[N,3,%d,%d] %%y = Relu(%%x) output %%y }" % (SIZE, SIZE))
        report = adze_json("quantize", "relu.adzir", "--data", "data.yaml", "--out", "r.onnx")
        self.assertEqual(report["int8_macs_share"], 1)
        self.assertEqual(run("r.onnx"), run("relu.adzir"))


class Eval(unittest.TestCase):
    FIELDS = ["metric", "value", "samples", "ci95", "reference_value", "difference", "difference_ci95", "flip_rate",
              "sqnr_db", "mean_kl", "cosine", "outputs", "nan_samples", "wall_s", "run_s"]

    def test_against_itself(self):
        r = adze_json("eval", "net.adzir", "--data", "data.yaml", "--reference", "net.adzir")
        self.assertEqual(list(r), self.FIELDS)
        self.assertEqual((r["metric"], r["samples"], r["nan_samples"]), ("top1", 24, 0))
        self.assertEqual((r["flip_rate"], r["sqnr_db"], r["difference"]), (0, "inf", 0))
        self.assertAlmostEqual(r["mean_kl"], 0, delta=1e-9)
        self.assertAlmostEqual(r["cosine"], 1, delta=1e-9)
        self.assertEqual(r["value"], r["reference_value"])
        low, high = r["ci95"]
        self.assertTrue(0 <= low <= r["value"] <= high <= 1)

    def test_quantized_beside_float(self):
        quantize("q.onnx", "--calibration", "minmax")
        values = []
        for more in [], ["--batch", "4"], ["--threads", "1"]:
            r = adze_json("eval", "q.onnx", "--data", "data.yaml", "--split", "calibration", "--reference", "net.adzir",
                          *more)
            self.assertEqual(r["samples"], 12)
            self.assertGreater(r["sqnr_db"], 25)
            self.assertLessEqual(r["flip_rate"], 0.25)
            self.assertGreater(r["cosine"], 0.999)
            self.assertGreater(r["mean_kl"], 0)
            self.assertEqual([o["name"] for o in r["outputs"]], ["y"])
            self.assertLess(r["outputs"][0]["max_abs_diff"], 0.1 * r["outputs"][0]["max_abs"])
            values.append([r[f] for f in self.FIELDS if not f.endswith("_s")])
        self.assertEqual(values[0], values[1], "the batch size changes a result")
        self.assertEqual(values[0], values[2], "the number of threads changes a result")
        text = adze("eval", "q.onnx", "--data", "data.yaml", "--reference", "net.adzir")
        for word in "top1", "flip rate", "SQNR", "mean KL", "reference":
            self.assertIn(word, text)

    def test_alone(self):
        r = adze_json("eval", "net.adzir", "--data", "data.yaml", "--samples", "7")
        self.assertEqual(r["samples"], 7)
        for field in "reference_value", "difference", "flip_rate", "sqnr_db", "mean_kl", "cosine":
            self.assertIsNone(r[field])
        # What top1 says, from the outputs of `run`.
        right = 0
        for i in range(7):
            adze("run", "net.adzir", "--input", "x=sample%d.npy" % i, "--out", "out")
            y, _ = read_npy("out/y.npy")
            right += y.index(max(y)) == i % CLASSES
        r = adze_json("eval", "net.adzir", "--data", "samples.yaml")
        self.assertAlmostEqual(r["value"], right / 7)

    def test_every_metric(self):
        for m in adze_json("list", "metrics")["metrics"]:
            if m["name"] == "mse":  # wants an output of the input's shape
                continue
            r = adze_json("eval", "net.adzir", "--data", "data.yaml", "--reference", "net.adzir", "--metric", m["name"])
            self.assertEqual(r["metric"], m["name"])
            self.assertIsNotNone(r["value"])


class Compare(unittest.TestCase):
    def test_worst_first_and_what_it_adds_up_to(self):
        quantize("q.onnx", "--calibration", "minmax")
        r = adze_json("compare", "net.adzir", "q.onnx", "--data", "data.yaml", "--split", "calibration", "--samples", "8")
        tensors = {t["tensor"]: t for t in r["tensors"]}
        self.assertEqual(r["samples"], 8)
        own = [t["own_sqnr_db"] for t in r["tensors"]]
        self.assertEqual(own, sorted(own))
        self.assertIn("y", tensors)
        for t in tensors.values():
            self.assertGreater(t["total_sqnr_db"], 20)
            self.assertTrue(0 <= t["clipped_share"] < 0.1)
        # The output as `eval` sees it.
        e = adze_json("eval", "q.onnx", "--data", "data.yaml", "--split", "calibration", "--samples", "8", "--reference", "net.adzir")
        self.assertAlmostEqual(tensors["y"]["total_sqnr_db"], e["sqnr_db"], delta=1e-6)
        # A network beside itself has no errors; the same tensors in another order.
        for t in adze_json("compare", "net.adzir", "net.adzir", "--data", "data.yaml")["tensors"]:
            self.assertEqual(t["total_sqnr_db"], "inf")
            self.assertEqual(t["own_sqnr_db"], "inf")
        ordered = adze_json("compare", "net.adzir", "q.onnx", "--data", "data.yaml", "--split", "calibration", "--samples", "8", "--in-order")
        self.assertEqual(sorted(own), sorted(t["own_sqnr_db"] for t in ordered["tensors"]))
        self.assertEqual(ordered["tensors"][-1]["tensor"], "y")
        self.assertIn("inherited", adze("compare", "net.adzir", "q.onnx", "--data", "data.yaml"))


class Diagnose(unittest.TestCase):
    PLAIN = ["--calibration", "minmax", "--no-equalization", "--no-adaptive-rounding", "--no-bias-correction"]

    def check(self, report):
        """Evidence with all that docs/evidence.md promises of it."""
        with open(EVIDENCE) as f:
            sample = json.load(f)
        self.assertEqual((report["format"], report["version"]), ("adze.evidence", 1))
        self.assertLessEqual(set(report), set(sample))
        for name in "layers", "tensors", "findings":
            for item in report[name]:
                self.assertLessEqual(set(item), set(sample[name][0]), name)
        self.assertEqual(list(report["layers"][-1].items())[0], ("name", "gemm"))
        for f in report["findings"]:
            self.assertEqual(list(f), list(sample["findings"][0]))
        gains = [f["gain_db"] or 0 for f in report["findings"] if f["level"] == "problem"]
        self.assertEqual(gains, sorted(gains, reverse=True))
        return report

    def test_healthy(self):
        split = ["--split", "all", "--calibration-split", "all"]
        r = self.check(adze_json("diagnose", "net.adzir", "--data", "data.yaml", *split))
        self.assertEqual([f for f in r["findings"] if f["level"] == "problem"], [])
        self.assertIn("nothing stands out", r["outcome"]["sentence"])
        self.assertIn("nothing stands out", adze("diagnose", "net.adzir", "--data", "data.yaml", *split))
        # The same of a file, in both forms; the network's own figures are those that eval and compare see.
        for form in "qdq", "qoperator":
            quantize("q.onnx", "--form", form)
            r = self.check(adze_json("diagnose", "net.adzir", "q.onnx", "--data", "data.yaml", "--split", "calibration"))
            self.assertIn("nothing stands out", r["outcome"]["sentence"])
            self.assertIsNone(r["data"]["calibration"]["split"])
            e = adze_json("eval", "q.onnx", "--data", "data.yaml", "--split", "calibration", "--reference", "net.adzir")
            self.assertAlmostEqual(r["after"]["sqnr_db"], e["sqnr_db"], delta=1e-6)
            own = {t["tensor"]: t["own_sqnr_db"] for t in
                   adze_json("compare", "net.adzir", "q.onnx", "--data", "data.yaml", "--split", "calibration")["tensors"]}
            for layer in r["layers"]:
                self.assertEqual(layer["own_sqnr_db"], own[layer["output"]])

    def test_narrow_calibration(self):
        """Twelve pictures are few: the others are brighter."""
        r = self.check(adze_json("diagnose", "net.adzir", "--data", "data.yaml"))
        self.assertEqual(r["data"]["calibration"], {"split": "calibration", "samples": 12})
        self.assertEqual(r["data"]["evaluation"], {"split": "evaluation", "samples": 12})
        worst = r["findings"][0]
        self.assertEqual((worst["kind"], worst["level"]), ("narrow_calibration", "problem"))
        self.assertGreater(worst["numbers"]["seen_high"], worst["numbers"]["calibrated_high"])
        # Calibrated on all pictures, the output has what the finding promised.
        better = adze_json("diagnose", "net.adzir", "--data", "data.yaml", "--calibration-split", "all")
        self.assertGreater(better["after"]["sqnr_db"], r["after"]["sqnr_db"] + 0.5 * worst["gain_db"])

    def test_saturating_encodings(self):
        quantize("q.onnx", *self.PLAIN, "--encodings", "q.encodings.json", "--save-float", "adjusted.adzir")
        with open("q.encodings.json") as f:
            encodings = json.load(f)
        encodings["tensors"]["r2"]["scale"] /= 25
        write("bad.encodings.json", json.dumps(encodings))
        arguments = ["diagnose", "adjusted.adzir", "--encodings", "bad.encodings.json", "--data", "data.yaml", "--split", "calibration"]
        r = self.check(adze_json(*arguments, "--report", "why.html"))
        worst = r["findings"][0]
        self.assertEqual((worst["kind"], worst["level"], worst["tensors"], worst["name"]),
                         ("saturation", "problem", ["r2"], "depthwise"))
        self.assertGreater(worst["numbers"]["clipped_share"], 0.1)
        self.assertGreater(worst["gain_db"], 3)
        self.assertNotIn("encodings", " ".join(r["warnings"]))
        text = adze(*arguments).split("\n")
        self.assertRegex(text[0], r"^1 problem; output SQNR -?[0-9.]+ dB, [0-9.]+ dB with the first one fixed$")
        self.assertRegex(text[3] if text[2].startswith("note") else text[2], r"^1\. values beyond the range: depthwise \(Conv\), tensor 'r2'$")
        page = read("why.html").decode()
        for word in "adze · diagnosis", "What stands out", "values beyond the range", "Error by layer":
            self.assertIn(word, page)
        # The report command makes the same page of the same evidence.
        write("why.json", json.dumps(r))
        adze("report", "why.json", "--out", "again.html")
        self.assertEqual(read("again.html"), read("why.html"))
        # Encodings of another network are applied all the same, and adze says so.
        quantize("q.onnx", "--encodings", "q.encodings.json")
        warned = adze_json("diagnose", "net.adzir", "--encodings", "q.encodings.json", "--data", "data.yaml")["warnings"]
        self.assertIn("other weights", " ".join(warned))

    def test_threads_do_not_change_it(self):
        quantize("q.onnx", *self.PLAIN)
        one, two = (adze_json("diagnose", "net.adzir", "q.onnx", "--data", "data.yaml", "--threads", n) for n in "12")
        for r in one, two:
            del r["tool"]
        self.assertEqual(one, two)
        self.assertEqual(adze_json("diagnose", "net.adzir", "q.onnx", "--data", "data.yaml", "--fixes", "0")["findings"][0]["gain_db"],
                         None)


class Bench(unittest.TestCase):
    def test_fields(self):
        r = adze_json("bench", "net.adzir", "--threads", "1", "--batch", "3", "--min-time", "0.02",
                      env={"ADZE_ISA": "generic"})
        self.assertEqual(list(r), ["load_ms", "first_ms", "cold_ms", "p50_ms", "p95_ms", "p99_ms", "min_ms", "jitter",
                                   "runs", "threads", "batch", "isa", "packed_for", "repacked_steps", "macs", "gmacs_per_s",
                                   "roofline", "arena_bytes", "peak_rss_bytes"])
        self.assertEqual((r["threads"], r["batch"], r["isa"]), (1, 3, "generic"))
        self.assertTrue(0 < r["min_ms"] <= r["p50_ms"] <= r["p95_ms"] <= r["p99_ms"])
        self.assertGreater(r["arena_bytes"], 0)
        self.assertGreater(r["cold_ms"], 0)
        self.assertAlmostEqual(r["jitter"], r["p95_ms"] / r["p50_ms"] - 1, delta=1e-9)

    def test_arithmetic_and_roofline(self):
        quantize("q.onnx", "--calibration", "minmax")
        for model in "net.adzir", "q.onnx":
            r = adze_json("bench", model, "--threads", "1", "--batch", "3", "--min-time", "0.02")
            self.assertEqual(r["macs"], 3 * MACS)
            self.assertAlmostEqual(r["gmacs_per_s"], r["macs"] / r["p50_ms"] / 1e6, delta=1e-9)
            roof = r["roofline"]
            self.assertEqual(list(roof), ["share", "compute_ms", "memory_ms", "int8_gmacs_per_s", "float_gmacs_per_s",
                                          "read_gb_per_s"])
            # The whole network is of one kind.
            rate = roof["int8_gmacs_per_s" if model == "q.onnx" else "float_gmacs_per_s"]
            self.assertAlmostEqual(roof["compute_ms"], r["macs"] / rate / 1e6, delta=1e-9)
            self.assertAlmostEqual(roof["share"], max(roof["compute_ms"], roof["memory_ms"]) / r["p50_ms"], delta=1e-9)
            self.assertGreater(roof["memory_ms"], 0)

    def test_profile_and_shape(self):
        r = adze_json("bench", "net.adzir", "--min-time", "0", "--profile", "--shape",
                      "x=5,3,%d,%d" % (SIZE, SIZE))
        self.assertEqual(r["runs"], 1)
        self.assertIn("depthwise", [s["node"] for s in r["steps"]])
        for s in r["steps"]:
            self.assertEqual(list(s), ["node", "op", "kernel", "mean_ms"])
        self.assertIn("p50", adze("bench", "net.adzir", "--min-time", "0", "--profile"))


class Documentation(unittest.TestCase):
    """docs/cli.md names every option and every field of the reports."""

    def setUp(self):
        self.sections = {}
        for part in ("\n" + read(DOCUMENT).decode()).split("\n## ")[1:]:
            self.sections[part.split("\n")[0]] = part

    def test_options(self):
        shared = self.sections["What holds for every command"]
        for command in COMMANDS:
            for option in set(re.findall(r"--[a-z][a-z-]+", adze(command, "--help"))) - {"--help"}:
                self.assertIn("`" + option, self.sections[command] + shared, command)

    def test_fields(self):
        def keys(report):
            if isinstance(report, list):
                return set().union(*map(keys, report))
            return set(report).union(*map(keys, report.values())) if isinstance(report, dict) else set()

        reports = {
            "run": adze_json("run", "net.adzir", "--input", "x=x.npy", "--out", "out"),
            "eval": adze_json("eval", "net.adzir", "--data", "data.yaml", "--reference", "net.adzir"),
            "quantize": quantize("q.onnx"),
            "compare": adze_json("compare", "net.adzir", "q.onnx", "--data", "data.yaml"),
            "opt": adze_json("opt", "messy.adzir", "--explain"),
            "report": adze_json("report", EVIDENCE, "--out", "report.html"),
            "convert": adze_json("convert", "net.adzir", "--out", "net.adz"),
            "bench": adze_json("bench", "net.adzir", "--min-time", "0", "--profile"),
            "doctor": json.loads(call(ADZE, "doctor", "--json").out),
            "inspect": adze_json("inspect", "net.adzir", "--plan")}
        for command, report in reports.items():
            for key in keys(report):
                self.assertRegex(self.sections[command], r"\b%s\b" % key, command)
        for model in "net.adzir", "net.adz":
            for key in adze_json("inspect", model):
                self.assertIn("`%s`" % key, self.sections["inspect"])


class Lists(unittest.TestCase):
    def test_all(self):
        some = {"ops": "Conv", "passes": "fold_batch_norm", "observers": "mse", "formats": "uint4", "files": ".onnx",
                "kernels": "conv_i8", "metrics": "top1", "targets": "adze"}
        for what, name in some.items():
            items = adze_json("list", what)[what]
            names = [i["name"] for i in items]
            self.assertIn(name, names)
            self.assertEqual(len(names), len(set(names)))
            for i in items:
                self.assertTrue(i["summary"], i)
            self.assertEqual(len(adze("list", what).splitlines()), len(items))
        self.assertEqual([i["name"] for i in adze_json("list", "observers")["observers"]], OBSERVERS)

    def test_help(self):
        self.assertRegex(adze("--version"), r"^adze \d+\.\d+\.\d+\n$")
        text = adze("--help")
        for command in COMMANDS:
            self.assertIn(command, text)
            if command not in ("completion", "man"):
                self.assertIn("--json", adze(command, "--help"))


# Something for every kind of pass to do, with the output of the small network's shape.
MESSY = """graph "messy" {
  input %%x : float32[N,3,%d,%d]
  const %%w : float32[4,3,1,1] = [0.5, -1, 0.25, 1, 0.5, -0.25, 0.125, 2, -1, 1, 1, 1]
  const %%s : float32[4] = [1, 2, 0.5, 1.5]
  const %%t : float32[4] = [0.5, -0.5, 0.25, 0]
  const %%v : float32[4] = [1, 0.5, 2, 1]
  const %%half : float32[] = [0.5]
  const %%half2 : float32[] = [0.5]
  const %%six : float32[] = [6]
  const %%zero : float32[] = [0]
  %%c = Conv(%%x, %%w) "conv"
  %%b = BatchNormalization(%%c, %%s, %%t, %%t, %%v) "norm"
  %%i = Identity(%%b) "same"
  %%r = Relu(%%i) "relu"
  %%m = Min(%%r, %%six) "min"
  %%k = Add(%%half, %%half2) "constant sum"
  %%u = Mul(%%m, %%k) "scale"
  %%t1 = Transpose(%%u) {perm=[0,2,3,1]} "there"
  %%t2 = Transpose(%%t1) {perm=[0,3,1,2]} "back"
  %%g1 = Sigmoid(%%t2) "gate"
  %%g2 = Sigmoid(%%t2) "gate again"
  %%h1 = Mul(%%t2, %%g1) "silu"
  %%h2 = Mul(%%t2, %%g2) "silu again"
  %%dead = Relu(%%h2) "dead"
  %%y = Add(%%h1, %%h2) "sum"
  output %%y
}
""" % (SIZE, SIZE)


def fixtures():
    small_images(".", 24)
    write("net.adzir", small_network())
    write("messy.adzir", MESSY)
    x = floats(2 * 3 * SIZE * SIZE, 1.0, 11)
    write("x.npy", npy(x, (2, 3, SIZE, SIZE)))
    samples = floats(7 * 3 * SIZE * SIZE, 1.0, 12)
    n = 3 * SIZE * SIZE
    for i in range(7):
        write("sample%d.npy" % i, npy(samples[n * i:n * (i + 1)], (1, 3, SIZE, SIZE)))
    write("samples.npy", npy(samples, (7, 3, SIZE, SIZE)))
    write("classes.npy", npy([i % CLASSES for i in range(7)], (7,), "<i8"))
    write("samples.yaml", "kind: npy\nfile: samples.npy\nlabels: {from: npy, file: classes.npy}\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fixtures()
        result = unittest.main(exit=False).result
        os.chdir("/")
    sys.exit(not result.wasSuccessful())
