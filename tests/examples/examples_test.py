"""What examples/glyphs/README.md claims of its two networks, on all of their test images.

usage: examples_test.py PATH_OF_adze [unittest arguments]
"""
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support import call  # noqa: E402

ADZE = os.path.abspath(sys.argv.pop(1))
GLYPHS = os.path.join(HERE, "..", "..", "examples", "glyphs")
DATA = ["--data", os.path.join(GLYPHS, "glyphs.yaml"), "--split"]
TOP1 = {"glyphs.onnx": 0.9436, "glyphs-vit.onnx": 0.8820}  # in PyTorch


def adze(*arguments):
    got = call(ADZE, *arguments, "--json", timeout=300)  # sanitizers are slow
    if got.code != 0:
        raise AssertionError("%s: exit code %d: %s" % (" ".join(arguments), got.code, got.err))
    return json.loads(got.out)


class Glyphs(unittest.TestCase):
    def check(self, name, least_share):
        """Float: PyTorch's decisions. int8 by default: at most 0.3 points less."""
        model = os.path.join(GLYPHS, name)
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "int8.onnx")
            q = adze("quantize", model, *DATA, "calibration", "--samples", "512", "--out", out)
            e = adze("eval", out, *DATA, "test", "--batch", "16", "--reference", model)
        self.assertEqual(e["samples"], 5000)
        self.assertAlmostEqual(e["reference_value"], TOP1[name], delta=0.0004)  # two images: other kernels round otherwise
        self.assertGreaterEqual(e["difference"], -0.003)
        self.assertGreaterEqual(q["int8_macs_share"], least_share)

    def test_convolutional_network(self):
        self.check("glyphs.onnx", 1)

    def test_vision_transformer(self):
        self.check("glyphs-vit.onnx", 0.95)

    def test_the_demo_climbs(self):
        """examples/demo.sh: int8 everywhere misses the second budget, the ladder meets it."""
        budget = 0.25
        with tempfile.TemporaryDirectory() as folder:
            r = adze("compress", os.path.join(GLYPHS, "glyphs.onnx"), *DATA[:2], "--samples", "512", "--metric", "flip_rate",
                     "--max-drop", str(budget), "--out", folder)
        self.assertTrue(r["met"])
        self.assertGreater(len(r["rungs"]), 1)
        self.assertGreater(r["rungs"][0]["drop_points"], budget)
        self.assertTrue(r["rungs"][0]["unmet"])
        self.assertLessEqual(r["rungs"][-1]["drop_points"], budget)
        self.assertGreater(r["rungs"][-1]["int8_macs_share"], 0.7)


if __name__ == "__main__":
    unittest.main()
