"""Plan files from end to end: what convert writes runs like the network it was made from, everywhere, in shared memory.

usage: plan_test.py PATH_OF_adze [unittest arguments]
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import SIZE, call, floats, npy, small_images, small_network, write  # noqa: E402

ADZE = os.path.abspath(sys.argv.pop(1))
ISAS = ["generic", "avx2", "avx512vnni"]


def adze(*arguments, **how):
    got = call(ADZE, *arguments, **how)
    if got.code != 0 or got.err:
        raise AssertionError("%s: exit code %d: %s" % (" ".join(map(str, arguments)), got.code, got.err))
    return got.out


def adze_json(*arguments, **how):
    return json.loads(adze(*arguments, "--json", **how))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def run(model, isa=""):
    """The output's .npy and what was said on standard error."""
    got = call(ADZE, "run", model, "--input", "x=x.npy", "--out", "out", env={"ADZE_ISA": isa})
    if got.code != 0:
        raise AssertionError("%s: %s" % (model, got.err))
    return read("out/y.npy"), got.err


def supported_isas():
    return [isa for isa in ISAS if call(ADZE, "inspect", "float.adzir", "--plan", env={"ADZE_ISA": isa}).code == 0]


class Plans(unittest.TestCase):
    def test_runs_like_the_network_it_was_made_from(self):
        for name in "float", "int8":
            source = name + ".adzir"
            for isa in supported_isas():
                want, _ = run(source, isa)
                for made_for in ISAS:
                    report = adze_json("convert", source, "--out", "p.adz", "--isa", made_for)
                    self.assertEqual(report["packed_for"], made_for)
                    got, said = run("p.adz", isa)
                    self.assertEqual(got, want, (name, isa, made_for))
                    if made_for == isa:
                        self.assertEqual(said, "")
                    else:
                        self.assertRegex(said, r"^adze: note: p\.adz is packed for %s; \d steps were packed anew in memory "
                                               r"for %s \(adze convert --isa %s makes a file that needs no packing\)\n$"
                                         % (made_for, isa, isa))
                        report = json.loads(call(ADZE, "bench", "p.adz", "--min-time", "0", "--json", env={"ADZE_ISA": isa}).out)
                        self.assertEqual(report["packed_for"], made_for)
                        self.assertGreater(report["repacked_steps"], 0)

    def test_convert_reports_and_repeats_itself(self):
        report = adze_json("convert", "int8.adzir", "--out", "p.adz")
        self.assertEqual(list(report), ["steps", "packed_for", "weight_bytes", "file_bytes"])
        self.assertEqual(report["file_bytes"], os.path.getsize("p.adz"))
        self.assertEqual(report["packed_for"], supported_isas()[-1])
        first = read("p.adz")
        self.assertIn("steps", adze("convert", "int8.adzir", "--out", "p.adz"))
        self.assertEqual(read("p.adz"), first)

    def test_the_processor_that_converts_does_not_show(self):
        for source in "int8.adzir", "float.adzir":
            for made_for in ISAS:
                files = set()
                for isa in supported_isas():
                    got = call(ADZE, "convert", source, "--out", "p.adz", "--isa", made_for, env={"ADZE_ISA": isa})
                    self.assertEqual((got.code, got.err), (0, ""))
                    files.add(read("p.adz"))
                self.assertEqual(len(files), 1, (source, made_for))

    def test_inspect(self):
        report = adze_json("convert", "int8.adzir", "--out", "p.adz")
        seen = adze_json("inspect", "p.adz")
        self.assertEqual(list(seen), ["packed_for", "repacked_steps", "inputs", "outputs", "steps", "weight_bytes"])
        self.assertEqual(seen["inputs"], [{"name": "x", "type": "float32[N,3,%d,%d]" % (SIZE, SIZE)}])
        self.assertEqual((seen["steps"], seen["weight_bytes"], seen["repacked_steps"]),
                         (report["steps"], report["weight_bytes"], 0))
        self.assertIn("undamaged", adze("inspect", "p.adz"))
        self.assertEqual(adze_json("inspect", "p.adz", "--plan"), adze_json("inspect", "int8.adzir", "--plan"))

    def test_eval_and_bench(self):
        adze("convert", "int8.adzir", "--out", "p.adz")
        adze("convert", "float.adzir", "--out", "f.adz")
        reports = [adze_json("eval", q, "--data", "data.yaml", "--reference", f)
                   for q, f in (("int8.adzir", "float.adzir"), ("p.adz", "float.adzir"), ("p.adz", "f.adz"))]
        for r in reports:
            del r["wall_s"], r["run_s"]
        self.assertEqual(reports[0], reports[1])
        self.assertEqual(reports[0], reports[2])
        r = adze_json("bench", "p.adz", "--batch", "3", "--min-time", "0", "--profile")
        self.assertEqual((r["packed_for"], r["repacked_steps"]), (r["isa"], 0))
        self.assertEqual(r["macs"], adze_json("bench", "int8.adzir", "--batch", "3", "--min-time", "0")["macs"])
        self.assertIsNone(adze_json("bench", "int8.adzir", "--min-time", "0")["packed_for"])

    def refused(self, code, sentence, *arguments):
        got = call(ADZE, *arguments)
        self.assertEqual((got.code, got.out, got.err), (code, "", "adze: " + sentence + "\n"))

    def test_refusals(self):
        adze("convert", "float.adzir", "--out", "p.adz")
        good = read("p.adz")
        graph = "p.adz: a plan can be run but holds no graph; give the .onnx or .adzir file that it was made from"
        self.refused(2, graph, "opt", "p.adz")
        self.refused(2, graph, "quantize", "p.adz", "--data", "data.yaml", "--out", "q.onnx")
        self.refused(2, graph, "compare", "float.adzir", "p.adz", "--data", "data.yaml")
        self.refused(2, graph, "convert", "p.adz", "--out", "q.adz")
        self.refused(2, graph, "diagnose", "float.adzir", "p.adz", "--data", "data.yaml")
        self.refused(2, "p.adz: a plan has no text form; --plan shows its steps", "inspect", "p.adz", "--text")
        self.refused(2, "--out p.plan: the name must end in .adz", "convert", "float.adzir", "--out", "p.plan")
        write("bad.adz", b"ONNX" * 100)
        self.refused(3, "bad.adz: is no .adz file", "run", "bad.adz")
        write("bad.adz", good[:-1])
        self.refused(3, "bad.adz: is truncated: %d of %d bytes" % (len(good) - 1, len(good)), "inspect", "bad.adz")
        write("bad.adz", good[:10] + b"\x07" + good[11:])
        self.refused(4, "bad.adz: is of format 1.7, this adze reads 1.0 to 1.0: convert the network again with this adze",
                     "bench", "bad.adz")
        for at, part in (100, "description of the network has"), (len(good) - 1, "weights have"):
            write("bad.adz", good[:at] + bytes([good[at] ^ 4]) + good[at + 1:])
            self.refused(3, "bad.adz: is damaged: the %s another checksum" % part, "eval", "bad.adz", "--data", "data.yaml")
        self.assertFalse(os.path.exists("q.adz") or os.path.exists("q.onnx"))

    @unittest.skipUnless(os.path.exists("/proc/self/smaps"), "needs /proc/PID/smaps")
    def test_processes_share_the_weights(self):
        n = 1 << 20
        weights = ",".join(["%d" % (i % 200 - 100) for i in range(1024)] * (n // 1024))
        write("wide.adzir", "graph { input %%x : float32[1,1024] const %%w : float32[1024,1024] quant(int8, scale=[0.01], "
                            "zero_point=[0]) = [%s] %%q = adze.Requantize(%%x) : float32[1,1024] quant(uint8, scale=[0.1], "
                            "zero_point=[128]) %%y = Gemm(%%q, %%w) output %%y }" % weights)
        report = adze_json("convert", "wide.adzir", "--out", "wide.adz")
        self.assertGreaterEqual(report["weight_bytes"], n)
        running = [subprocess.Popen([ADZE, "bench", "wide.adz", "--threads", "1", "--min-time", "60"],
                                    stdout=subprocess.DEVNULL) for _ in range(2)]
        try:
            deadline = time.time() + 30
            while True:
                both = [mapping(p.pid, "wide.adz") for p in running]
                if all(m["Rss"] >= n for m in both):
                    break
                self.assertLess(time.time(), deadline, both)
                time.sleep(0.05)
            for m in both:
                self.assertEqual(m["Private_Dirty"], 0)
                self.assertLess(m["Pss"], 0.6 * m["Rss"], "pages are shared: each process counts half of them")
        finally:
            for p in running:
                p.kill()
                p.wait()


def mapping(pid, path):
    """Bytes of the process's mappings of a file."""
    sums = dict.fromkeys(["Rss", "Pss", "Private_Dirty"], 0)
    inside = False
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            words = line.split()
            if not words[0].endswith(":"):
                inside = words[-1] == os.path.realpath(path)
            elif inside and words[0][:-1] in sums:
                sums[words[0][:-1]] += int(words[1]) * 1024
    return sums


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        small_images(".", 24)
        write("float.adzir", small_network())
        write("x.npy", npy(floats(2 * 3 * SIZE * SIZE, 1.0, 11), (2, 3, SIZE, SIZE)))
        adze("quantize", "float.adzir", "--data", "data.yaml", "--split", "calibration", "--out", "int8.adzir",
             "--calibration", "minmax")
        result = unittest.main(exit=False).result
        os.chdir("/")
    sys.exit(not result.wasSuccessful())
