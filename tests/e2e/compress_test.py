"""adze compress: the ladder climbs, gives up, is resumed after kill -9, and is replayed, with the same bytes.

usage: compress_test.py PATH_OF_adze [unittest arguments]
"""
import fcntl
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import call, write  # noqa: E402

ADZE = os.path.abspath(sys.argv.pop(1))
GLYPHS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "glyphs")
MODEL = os.path.join(GLYPHS, "glyphs.onnx")
DECISIONS = ["float.onnx", "adjusted.onnx", "quantized.onnx", "quantized.encodings.json", "recipe.yaml", "recipe.lock"]


def compress(out, *arguments, code=0, env=None):
    got = call(ADZE, "compress", MODEL, "--data", "data.yaml", "--samples", "48", "--out", out, "--json", *arguments,
               env=env)
    if got.code != code:
        raise AssertionError("exit code %d: %s" % (got.code, got.err))
    return json.loads(got.out)


def network(*layers):
    """A network from (channels in, channels out, stride) of 3x3 convolutions with random weights, Relu between them; text up to
    and with %rN."""
    numbers = random.Random(7)
    text, last = "graph { input %image : float32[N,1,32,32] ", "image"
    for i, (inputs, outputs, stride) in enumerate(layers):
        weights = ", ".join("%.4f" % numbers.gauss(0, (2 / 9 / inputs) ** 0.5) for _ in range(inputs * outputs * 9))
        text += ("const %%w%d : float32[%d,%d,3,3] = [%s] %%c%d = Conv(%%%s, %%w%d, _) "
                 "{kernel_shape=[3,3], pads=[1,1,1,1], strides=[%d,%d]} %%r%d = Relu(%%c%d) " %
                 (i, outputs, inputs, weights, i, last, i, stride, stride, i, i))
        last = "r%d" % i
    return text


def one_number():
    """A network whose outputs are one number per sample, and `features`, of which it is the sum."""
    return network((1, 8, 2), (8, 16, 2), (16, 16, 2)) + (
        "const %w : float32[16,1] = splat(0.25) %pooled = GlobalAveragePool(%r2) %features = Flatten(%pooled) "
        "%y = Gemm(%features, %w, _) ")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def measurements(folder):
    try:
        return read(folder + "/.work/journal.jsonl").count(b"\n") - 1
    except FileNotFoundError:
        return 0


def decisions(folder):
    return {name: read(os.path.join(folder, name)) for name in DECISIONS}


class Ladder(unittest.TestCase):
    def test_first_rung(self):
        r = compress("first", "--max-drop", "5")
        self.assertTrue(r["met"])
        self.assertEqual([x["rung"] for x in r["rungs"]], ["int8"])
        self.assertEqual(sorted(os.listdir("first")), sorted(DECISIONS + ["evidence.json", "report.html"]))
        rung = r["rungs"][0]
        self.assertEqual(rung["size_bytes"], os.path.getsize("first/quantized.onnx"))
        self.assertLess(rung["size_bytes"], 0.5 * os.path.getsize("first/float.onnx"))
        # The figures are those of the files, measured by another command.
        e = json.loads(call(ADZE, "eval", "first/quantized.onnx", "--data", "data.yaml", "--split", "test",
                            "--reference", MODEL, "--json").out)
        self.assertEqual(rung["value"], e["value"])
        self.assertEqual(rung["flip_rate"], e["flip_rate"])
        self.assertAlmostEqual(rung["drop_points"], -100 * e["difference"], places=9)
        self.assertAlmostEqual(rung["sqnr_db"], e["sqnr_db"], places=2)
        f = json.loads(call(ADZE, "eval", "first/float.onnx", "--data", "data.yaml", "--split", "test", "--json").out)
        self.assertEqual(r["before"]["value"], f["value"])

    def test_climbs_until_the_budget_is_met(self):
        first = compress("climb0", "--metric", "flip_rate", "--max-drop", "100")["rungs"][0]
        self.assertGreater(first["drop_points"], 0, "a network that quantization does not change tests nothing")
        goal = first["drop_points"] / 2
        r = compress("climb", "--metric", "flip_rate", "--max-drop", goal)
        self.assertTrue(r["met"])
        rungs = r["rungs"]
        self.assertGreater(len(rungs), 1)
        self.assertEqual(rungs[0]["unmet"], ["a drop of %.4g points is above %.4g" % (first["drop_points"], goal)])
        self.assertLessEqual(rungs[-1]["drop_points"], goal)
        self.assertEqual([x["chosen"] for x in rungs], [False] * (len(rungs) - 1) + [True])
        for before, after in zip(rungs, rungs[1:]):
            self.assertTrue(set(before["float_layers"]) < set(after["float_layers"]))
        self.assertGreater(rungs[-1]["sqnr_db"], rungs[0]["sqnr_db"])
        self.assertEqual(rungs[1]["rung"], "float layers")
        self.assertLess(rungs[-1]["int8_macs_share"], rungs[0]["int8_macs_share"])
        # The file is the mixed network: as accurate as was said, and its encodings lack the layers in float.
        e = json.loads(call(ADZE, "eval", "climb/quantized.onnx", "--data", "data.yaml", "--split", "test",
                            "--reference", MODEL, "--json").out)
        self.assertAlmostEqual(100 * e["flip_rate"], rungs[-1]["drop_points"], places=9)
        evidence = json.loads(read("climb/evidence.json"))
        in_float = [x for x in evidence["layers"] if x["precision"] == "float"]
        self.assertEqual(len(in_float), len(rungs[-1]["float_layers"]))
        for layer in in_float:
            self.assertEqual(layer["reason"], "it is kept in float")
            self.assertIsNotNone(layer["sensitivity_db"])

    def test_an_impossible_budget_ends_with_the_best_found(self):
        got = call(ADZE, "compress", MODEL, "--data", "data.yaml", "--samples", "48", "--out", "never", "--max-size",
                   "1000")
        self.assertEqual(got.code, 1)
        self.assertIn("the budget is not reachable: the best found is int8 everywhere, but a file of ", got.err)
        self.assertTrue(os.path.exists("never/quantized.onnx"))
        self.assertFalse(json.loads(read("never/evidence.json"))["outcome"]["met"])

    def test_latency_and_memory_budgets(self):
        r = compress("latency", "--max-latency", "1000", "--max-memory", "1GB", "--max-drop", "5")
        self.assertGreater(r["rungs"][0]["latency_ms"], 0)
        self.assertGreater(r["rungs"][0]["memory_bytes"], os.path.getsize("latency/quantized.onnx") / 3)
        self.assertLess(r["rungs"][0]["memory_bytes"], r["before"]["memory_bytes"])
        r = compress("latency", "--max-latency", "1e-6", code=1)
        self.assertIn("latency", r["outcome"])

    def test_plan_does_nothing(self):
        before = sorted(os.listdir("."))
        got = json.loads(call(ADZE, "compress", MODEL, "--data", "data.yaml", "--plan", "--json").out)
        self.assertEqual(sorted(os.listdir(".")), before)
        self.assertEqual(got["calibration_split"], "calibration")
        self.assertEqual(got["evaluation_split"], "test")
        compress("planned", "--max-drop", "5")
        size = os.path.getsize("planned/quantized.onnx")
        self.assertLess(abs(got["int8_bytes"] - size), 0.5 * size)

    def test_refusals(self):
        def refusal(*arguments, code=2):
            got = call(ADZE, "compress", *arguments)
            self.assertEqual(got.code, code, got.err)
            return got.err
        self.assertIn("which network?", refusal("--data", "data.yaml", "--out", "x"))
        self.assertIn("Give --data", refusal(MODEL, "--out", "x"))
        self.assertIn("Give --out", refusal(MODEL, "--data", "data.yaml"))
        for option, value in ("--max-size", "-5"), ("--max-size", "9" * 20), ("--max-memory", "1.5 apples"), \
                ("--max-latency", "inf"), ("--max-latency", "0"), ("--max-drop", "nan"):
            self.assertIn(option, refusal(MODEL, "--data", "data.yaml", "--out", "x", "%s=%s" % (option, value)))
        self.assertIn("--replay", refusal("--replay", "whole/recipe.lock", "--out", "x", "--max-drop", "5"))
        relu = "graph { input %image : float32[N,1,32,32] %y = Relu(%image) output %y }"
        self.assertIn("nothing to compress", refusal(write("relu.adzir", relu), "--data", "data.yaml", "--out", "x", code=4))
        one = ("graph { input %image : float32[N,1,32,32] const %w : float32[1,1,32,32] = splat(0.1) "
               "%c = Conv(%image, %w, _) {kernel_shape=[32,32]} %y = Flatten(%c) output %y }")
        self.assertIn("'y' is one number per sample", refusal(write("one.adzir", one), "--data", "data.yaml", "--out", "x",
                                                              code=4))
        self.assertIn("needs labels", refusal(MODEL, "--data", "unlabelled.yaml", "--out", "x", "--metric", "top1"))
        # Its own network.
        os.makedirs("self", exist_ok=True)
        shutil.copy(MODEL, "self/quantized.onnx")
        self.assertIn("would replace", refusal("self/quantized.onnx", "--data", "data.yaml", "--out", "self"))
        self.assertEqual(read("self/quantized.onnx"), read(MODEL))
        self.assertFalse(os.path.exists("x"))
        self.assertIn("toaster not in", refusal(MODEL, "--data", "data.yaml", "--out", "x", "--target", "toaster"))
        self.assertIn("no split 'day'", refusal(MODEL, "--data", "data.yaml", "--out", "x", "--evaluation-split", "day"))
        self.assertIn("--max-drop", refusal(MODEL, "--data", "data.yaml", "--out", "x", "--max-drop", "-1"))
        os.makedirs("held/.work", exist_ok=True)
        with open("held/.work/lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("another adze works there", refusal(MODEL, "--data", "data.yaml", "--out", "held", code=3))
        self.assertFalse(os.path.exists("x"))


    def test_failures_leave_nothing(self):
        numbers = ", ".join(["nan"] + ["0.1"] * 8)
        write("nan.adzir", "graph { input %%image : float32[N,1,32,32] const %%w : float32[1,1,3,3] = [%s] "
              "%%c = Conv(%%image, %%w, _) {kernel_shape=[3,3]} %%y = Flatten(%%c) output %%y }" % numbers)
        got = call(ADZE, "compress", "nan.adzir", "--data", "data.yaml", "--out", "nothing")
        self.assertEqual(got.code, 3)
        self.assertIn("weight 'w' holds NaN", got.err)
        self.assertFalse(os.path.exists("nothing"))
        write("file", "")
        self.assertEqual(call(ADZE, "compress", MODEL, "--data", "data.yaml", "--out", "file").code, 3)
        # A full disk: what was there before is still whole.
        compress("full", "--max-drop", "5")
        before = decisions("full")
        got = call(ADZE, "compress", MODEL, "--data", "data.yaml", "--samples", "47", "--out", "full",
                   shell_prefix="ulimit -f 100; trap '' XFSZ;")
        self.assertEqual(got.code, 3, got.err)
        self.assertEqual(decisions("full"), before)


class Sqnr(unittest.TestCase):
    """Networks without classes: judged by the ratio of signal to noise, without labels."""

    def compress(self, model, out, *arguments, data="unlabelled.yaml", code=0):
        got = call(ADZE, "compress", model, "--data", data, "--samples", "48", "--out", out, "--json", *arguments)
        self.assertEqual(got.code, code, got.err)
        return json.loads(got.out), json.loads(read(out + "/evidence.json"))

    @classmethod
    def setUpClass(cls):
        write("one.adzir", one_number() + "output %y }")

    def test_met_climbs_and_not_reachable(self):
        r, evidence = self.compress("one.adzir", "sqnr", "--max-size", "1MB")
        int8 = r["rungs"][0]
        self.assertEqual((evidence["data"]["metric"], evidence["budget"]["min_sqnr_db"]), ("sqnr_db", None))
        self.assertEqual((int8["drop_points"], int8["flip_rate"], r["before"]["value"]), (None, None, "inf"))
        e = json.loads(call(ADZE, "eval", "sqnr/quantized.onnx", "--data", "unlabelled.yaml", "--split", "test",
                            "--reference", "one.adzir", "--json").out)
        self.assertAlmostEqual(int8["sqnr_db"], e["sqnr_db"], places=2)
        self.assertEqual(int8["value"], int8["sqnr_db"])

        goal = int8["sqnr_db"] + 0.01
        r, evidence = self.compress("one.adzir", "sqnr", "--min-sqnr", goal)
        self.assertTrue(r["met"])
        self.assertGreater(len(r["rungs"]), 1)
        self.assertEqual(r["rungs"][0]["unmet"], ["an SQNR of %.4g dB is below %.4g" % (int8["sqnr_db"], goal)])
        self.assertEqual(r["rungs"][-1]["unmet"], [])
        self.assertGreaterEqual(r["rungs"][-1]["sqnr_db"], goal)
        self.assertEqual(evidence["budget"]["min_sqnr_db"], goal)
        self.assertIn("min_sqnr_db: %s\n" % json.dumps(goal), read("sqnr/recipe.yaml").decode())
        self.assertIn("at least", read("sqnr/report.html").decode())

        r, _ = self.compress("one.adzir", "sqnr", "--min-sqnr", "200", code=1)
        chosen = max(range(len(r["rungs"])), key=lambda i: r["rungs"][i]["sqnr_db"])
        self.assertEqual([x["chosen"] for x in r["rungs"]], [i == chosen for i in range(len(r["rungs"]))])
        self.assertEqual(len(r["rungs"]), 4)  # four layers, of which one stays int8
        self.assertIn("not reachable: the best found is int8 with ", r["outcome"])
        self.assertIn("but an SQNR of %.4g dB is below 200" % r["rungs"][chosen]["sqnr_db"], r["outcome"])

    def test_text_and_plan(self):
        got = call(ADZE, "compress", "one.adzir", "--data", "unlabelled.yaml", "--samples", "48", "--out", "text")
        self.assertEqual(got.code, 0, got.err)
        self.assertRegex(got.out, r"(?m)^rung +MB +SQNR$")
        self.assertRegex(got.out, r"(?m)^int8 +[\d.]+ +[\d.]+ dB  <- chosen$")
        self.assertNotIn("nan", got.out)
        plan = ["compress", "one.adzir", "--data", "unlabelled.yaml", "--plan"]
        self.assertIn("judge sqnr_db on 400 of 'test'", call(ADZE, *plan).out)
        self.assertIn("budget: an SQNR of at least 10 dB\n", call(ADZE, *plan).out)
        planned = json.loads(call(ADZE, *plan, "--json").out)
        self.assertEqual((planned["metric"], planned["budget"]["min_sqnr_db"]), ("sqnr_db", 10))
        scores = json.loads(call(ADZE, "compress", MODEL, "--data", "unlabelled.yaml", "--plan", "--json").out)
        self.assertEqual((scores["metric"], scores["budget"]["max_drop_points"]), ("flip_rate", 1))

    def test_every_float_output_counts_unless_one_is_named(self):
        write("two.adzir", one_number() + "output %features output %y }")
        r, evidence = self.compress("two.adzir", "two", "--min-sqnr", "1")
        e = json.loads(call(ADZE, "eval", "two/quantized.onnx", "--data", "unlabelled.yaml", "--split", "test",
                            "--reference", "two.adzir", "--json").out)
        by_name = {o["name"]: o["sqnr_db"] for o in e["outputs"]}
        self.assertNotAlmostEqual(by_name["features"], by_name["y"], places=1)
        self.assertAlmostEqual(r["rungs"][0]["sqnr_db"], min(by_name.values()), places=2)
        self.assertIn("judged by SQNR alone: output 'y'", evidence["warnings"])  # features: flip_rate as well
        for name, how in ("features", "output_index: 0"), ("y", "output: y"):
            with open("unlabelled.yaml") as f:
                write("named.yaml", f.read() + "evaluate: {metric: sqnr_db, %s}\n" % how)
            r, evidence = self.compress("two.adzir", "two", "--min-sqnr", "1", data="named.yaml")
            self.assertAlmostEqual(r["rungs"][0]["sqnr_db"], by_name[name], places=2)
            self.assertIn("not judged: output '%s'" % ("y" if name == "features" else "features"), evidence["warnings"])

    def test_metrics_in_their_own_unit(self):
        write("same.adzir", network((1, 8, 1), (8, 1, 1)) + "output %r1 }")
        for metric, before in ("mse", None), ("cosine", 1), ("mean_kl", 0):
            r, evidence = self.compress("same.adzir", "same", "--metric", metric, "--min-sqnr", "10")
            e = json.loads(call(ADZE, "eval", "same/quantized.onnx", "--data", "unlabelled.yaml", "--split", "test",
                                "--reference", "same.adzir", "--metric", metric, "--json").out)
            self.assertAlmostEqual(r["after"]["value"], e["value"], places=4)
            self.assertAlmostEqual(r["before"]["value"], e["reference_value"] if before is None else before, places=4)
            self.assertEqual((r["after"]["drop_points"], evidence["data"]["metric"]), (None, metric))

    def test_refusals(self):
        def refusal(*arguments, code=2):
            got = call(ADZE, "compress", *arguments, "--out", "refused")
            self.assertEqual(got.code, code, got.err)
            self.assertFalse(os.path.exists("refused"))
            return got.err
        for metric in "mse", "cosine", "sqnr_db", "mean_kl":
            self.assertIn("metric '%s' is not a rate, so a drop in points (--max-drop) means nothing; give --min-sqnr" % metric,
                          refusal(MODEL, "--data", "data.yaml", "--metric", metric, "--max-drop", "1"))
        self.assertIn("'sqnr_db' is not a rate", refusal("one.adzir", "--data", "unlabelled.yaml", "--max-drop", "1"))
        for db in "-1", "nan", "inf", "1e9":
            self.assertIn("--min-sqnr must lie between", refusal(MODEL, "--data", "data.yaml", "--min-sqnr=" + db))
        for metric in "flip_rate", "cosine", "mean_kl":
            self.assertIn("'y' is one number per sample", refusal("one.adzir", "--data", "unlabelled.yaml", "--metric", metric,
                                                                  code=4))
        self.assertIn("which is of another size", refusal(MODEL, "--data", "data.yaml", "--metric", "mse"))
        self.assertIn("accuracy not in", refusal(MODEL, "--data", "data.yaml", "--metric", "accuracy"))
        write("index.adzir", one_number() + "%i = ArgMax(%features) {axis=1} output %i }")
        self.assertIn("no judged output is float", refusal("index.adzir", "--data", "unlabelled.yaml", "--metric", "sqnr_db",
                                                           "--min-sqnr", "10", code=4))


class Resume(unittest.TestCase):
    """All bytes that say what was decided are the same, however the work went."""
    BUDGET = ["--metric", "flip_rate", "--max-drop", "0.3"]

    @classmethod
    def setUpClass(cls):
        start = time.monotonic()
        compress("whole", *cls.BUDGET)
        cls.seconds = time.monotonic() - start
        cls.want = decisions("whole")

    def test_threads(self):
        for threads in "1", "2", "3":
            compress("threads", *self.BUDGET, "--threads", threads)
            self.assertEqual(decisions("threads"), self.want, threads)

    def test_killed_at_random_moments(self):
        moments = random.Random(time.time_ns())
        kills, resumed = 0, 0
        for attempt in range(3):
            folder = "killed%d" % attempt
            command = [ADZE, "compress", MODEL, "--data", "data.yaml", "--samples", "48", "--out", folder, "--json",
                       *self.BUDGET]
            for kill in range(3):
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(moments.uniform(0, self.seconds))
                # The last time not before there is something to resume from, however busy the machine is.
                while kill == 2 and process.poll() is None and measurements(folder) < 2:
                    time.sleep(0.01)
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
                for name in os.listdir(folder) if os.path.isdir(folder) else []:
                    path = os.path.join(folder, name)
                    if name in DECISIONS:  # whole or not there
                        self.assertEqual(read(path), self.want[name], name)
            resumed += compress(folder, *self.BUDGET)["resumed"]
            self.assertEqual(decisions(folder), self.want)
            self.assertFalse(os.path.exists(folder + "/.work"))
        self.assertGreater(kills, 0)
        self.assertGreater(resumed, 0, "nothing was taken over from killed work")

    def test_replay(self):
        got = call(ADZE, "compress", "--replay", "whole/recipe.lock", "--out", "replayed")
        self.assertEqual(got.code, 0, got.err)
        self.assertEqual(decisions("replayed"), self.want)
        # Elsewhere and under other names: the same networks.
        shutil.copy(MODEL, "renamed.onnx")
        got = call(ADZE, "compress", "renamed.onnx", "--replay", "whole/recipe.lock", "--out", "replayed2")
        self.assertEqual(got.code, 0, got.err)
        self.assertEqual(read("replayed2/quantized.onnx"), self.want["quantized.onnx"])

        lock = json.loads(self.want["recipe.lock"])
        self.assertEqual(lock["format"], "adze.lock")
        # A lock from before there was an SQNR budget.
        del lock["recipe"]["min_sqnr_db"]
        write("old.lock", json.dumps(lock))
        got = call(ADZE, "compress", "--replay", "old.lock", "--out", "replayed3")
        self.assertEqual(got.code, 0, got.err)
        self.assertEqual(decisions("replayed3"), self.want)
        self.assertIn("replayed from a lock file", " ".join(json.loads(read("replayed/evidence.json"))["warnings"]))
        write("deep.lock", '{"measurements":' + "[" * 100000 + "]" * 100000 + "}")
        got = call(ADZE, "compress", "--replay", "deep.lock", "--out", "refused")
        self.assertEqual((got.code, "is not JSON" in got.err), (3, True), got.err)

        def refusal(change):
            changed = json.loads(self.want["recipe.lock"])
            change(changed)
            write("changed.lock", json.dumps(changed))
            got = call(ADZE, "compress", "--replay", "changed.lock", "--out", "refused")
            self.assertEqual(got.code, 3, got.err)
            return got.err
        self.assertIn("this version of adze is not the lock's", refusal(lambda x: x.update(tool_version="9.9")))
        self.assertIn("the data is not the lock's", refusal(lambda x: x.update(data_sha256="0" * 64)))
        self.assertIn("the network is not the lock's", refusal(lambda x: x.update(graph_hash="0" * 64)))
        self.assertIn("the lock was made with amx", refusal(lambda x: x.update(isa="amx")))
        self.assertIn("a setting in the recipe is not the lock's",
                      refusal(lambda x: x["recipe"].update(metric="top1")))
        self.assertIn("bytes, but was measured with",
                      refusal(lambda x: [m.update(size_bytes=12) for k, m in x["measurements"].items() if "rung" in k]))
        self.assertIn("lacks the measurement", refusal(lambda x: x.update(measurements={})))
        self.assertIn("calibration gave another network", refusal(lambda x: x["measurements"].update(base="00")))
        self.assertIn("is not the file that the lock names",
                      refusal(lambda x: x["files"].update({"quantized.onnx": "00"})))
        self.assertIn("not an object", refusal(lambda x: x["measurements"].update({"rung:int8": 3})))

    def test_other_budgets_and_stale_work(self):
        # Work of another task is not taken for this one's.
        os.makedirs("stale/.work")
        write("stale/.work/journal.jsonl", '{"fingerprint":"other"}\n{"key":"base","value":"x"}\n')
        got = call(ADZE, "compress", MODEL, "--data", "data.yaml", "--samples", "48", "--out", "stale", *self.BUDGET)
        self.assertEqual((got.code, got.err), (0, "adze: note: interrupted work in stale had other options, data or network and is "
                                               "dropped (measurements: 1)\n"))
        self.assertNotIn("interrupted", got.out)
        self.assertEqual(decisions("stale"), self.want)
        # Damaged measurements are made again.
        os.makedirs("damaged/.work")
        fingerprint = json.loads(self.want["recipe.lock"])["fingerprint"]
        write("damaged/.work/journal.jsonl", "".join(json.dumps(line) + "\n" for line in (
            {"fingerprint": fingerprint}, {"key": "float", "value": 5}, {"key": "base", "value": [1]},
            {"key": "rung:int8", "value": {"value": "x"}}, {"key": "error:int8", "value": None})))
        compress("damaged", *self.BUDGET)
        self.assertEqual(decisions("damaged"), self.want)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        # Fewer test images than the demo has, so that it takes seconds.
        with open(os.path.join(GLYPHS, "glyphs.yaml")) as f:
            text = f.read()
        text = re.sub(r"test: \{range: \[(\d+), \d+\]\}", lambda m: "test: {range: [%s, %d]}" % (m[1], int(m[1]) + 400),
                      text)
        for name in set(re.findall(r"[\w-]+\.idx\.gz", text)):
            shutil.copy(os.path.join(GLYPHS, name), name)
        write("data.yaml", text)
        write("unlabelled.yaml", re.sub(r"labels:\n( .*\n)+|evaluate:.*\n", "", text))
        unittest.main()
