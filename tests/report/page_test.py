"""The page that `adze report` writes, judged by other people's parsers: well-formed, complete in itself, nothing hostile
let through, refusals in one sentence. docs/evidence.md is held against the example.

usage: page_test.py PATH_OF_adze [unittest arguments]
"""
import collections
import html.parser
import json
import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support import call, write  # noqa: E402

ADZE = os.path.abspath(sys.argv.pop(1))
SAMPLE = os.path.join(HERE, "evidence.json")
VOID = {"meta", "link", "wbr"}
SHAPES = {"rect", "path", "circle"}


def sample():
    with open(SAMPLE, encoding="utf-8") as f:
        return json.load(f)


def hostile():
    """The sample with names that attack a page, a shell and a reader; equal names stay equal."""
    attacks = ["<script>fetch('http://evil.example')</script>", "\" onload=\"alert(1)", "</style><img src=x onerror=alert(1)>",
               "]]></script><!--", "'; rm -rf / #", "-rf $(touch pwned) `id`", "&lt;b&gt; &#0; &unknown;",
               "\u202eGNP.exe\u2066", "a\u0000b\u001b[31m\u007f\ufffe", "日本語 \U0001f600 ünï", "n" * 5000, "javascript:alert(1)"]
    names = {}

    def attack(value, key):
        if isinstance(value, dict):
            return {k: attack(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [attack(v, key) for v in value]
        if not isinstance(value, str) or key in ("format", "precision", "kind", "level") or value == "inf":
            return value
        return names.setdefault(value, "%s %d" % (attacks[len(names) % len(attacks)], len(names)))

    return attack(sample(), "")


class Page(html.parser.HTMLParser):
    """What the page is made of: elements, attributes, text; refuses tags that do not match."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.tags = [], [], [], collections.Counter()
        self.attributes, self.text, self.scripts = [], "", 0
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID | SHAPES, tag
        self.element(tag, attributes)

    def handle_starttag(self, tag, attributes):
        assert tag not in VOID, tag
        self.open.append(tag)
        self.element(tag, attributes)

    def element(self, tag, attributes):
        self.tags[tag] += 1
        names = [k for k, _ in attributes]
        assert len(names) == len(set(names)), (tag, names)
        for key, value in attributes:
            self.attributes.append((tag, key, value))
            if key == "id":
                self.ids.append(value)
            if key == "href":
                self.links.append(value)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open[-3:], tag, self.getpos())
        self.open.pop()

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


def render(evidence, out="report.html"):
    write("evidence.json", json.dumps(evidence))
    got = call(ADZE, "report", "evidence.json", "--out", out)
    assert got.code == 0 and not got.err, got.err
    with open(out, encoding="utf-8") as f:
        return f.read()


class Markup(unittest.TestCase):
    def check(self, text):
        xml.etree.ElementTree.fromstring(text.split("\n", 1)[1])  # after <!DOCTYPE html>: XML parsers refuse any slip
        page = Page(text)
        self.assertEqual(len(page.ids), len(set(page.ids)))
        for link in page.links:
            if link != "data:,":
                self.assertTrue(link.startswith("#"), link)
                self.assertIn(link[1:], page.ids)
        for tag, key, value in page.attributes:
            self.assertFalse(key.startswith("on") or key in ("src", "action", "srcset"), (tag, key))
            for name in value.split() if key in ("aria-labelledby", "aria-describedby") else []:
                self.assertIn(name, page.ids)
        self.assertEqual(page.tags["script"], 1)
        self.assertEqual(page.tags["style"], 1)
        self.assertEqual(page.tags["h1"], 1)
        self.assertEqual(page.tags["img"] + page.tags["iframe"] + page.tags["object"] + page.tags["base"], 0)
        style = text.split("<style>")[1].split("</style>")[0]
        self.assertNotRegex(style, r"url\(|@import|@font-face")
        return page

    def test_sample(self):
        page = self.check(render(sample()))
        for name in ("small.onnx", "depthwise", "in float its 40 multiply-accumulates", "c3" * 32, "12 calibration samples"):
            self.assertIn(name, page.text)

    def test_every_field_alone(self):
        whole = sample()
        for key in list(whole)[2:]:
            self.check(render({"format": "adze.evidence", "version": 1, key: whole[key]}))

    def test_hostile(self):
        text = render(hostile())
        page = self.check(text)
        self.assertIn("<script>fetch('http://evil.example')</script>", page.text)
        self.assertIn("日本語 \U0001f600 ünï", page.text)
        for bad in "\u202e", "\u2066", "\x00", "\x1b", "\x7f", "\ufffe":
            self.assertNotIn(bad, text)

    def test_commands_are_safe_to_paste(self):
        evidence = sample()
        evidence["after"]["file"] = "-q'; touch pwned; '.onnx"
        evidence["data"]["path"] = "$(touch pwned) `touch pwned`.yaml"
        commands = Page(render(evidence)).text.split("# The same network?")[1].split("Made by adze")[0]
        write("adze", "#!/bin/sh\nprintf '%s\\n' \"$@\" >>arguments\n")
        os.chmod("adze", 0o755)
        os.system("PATH=.:$PATH sh -c '. ./commands' >/dev/null 2>&1" if write("commands", commands) else "")
        self.assertFalse(os.path.exists("pwned"))
        with open("arguments", encoding="utf-8") as f:
            arguments = f.read().split("\n")
        self.assertIn("./-q'; touch pwned; '.onnx", arguments)
        self.assertIn("$(touch pwned) `touch pwned`.yaml", arguments)

    def test_same_bytes_again(self):
        self.assertEqual(render(sample()), render(sample()))

    def test_markdown(self):
        text = render(sample(), "report.md")
        self.assertTrue(text.startswith("# small.onnx: compression report\n"))
        for row in [line for line in text.split("\n") if line.startswith("|")]:
            self.assertIn(len(re.findall(r"(?<!\\)\|", row)), (6, 7), row)
        for row in [line for line in render(hostile(), "report.md").split("\n") if line.startswith("|")]:
            self.assertIn(len(re.findall(r"(?<!\\)\|", row)), (6, 7), row)


class Program(unittest.TestCase):
    def refused(self, code, sentence, *arguments):
        before = sorted(os.listdir("."))
        got = call(ADZE, "report", *arguments)
        self.assertEqual((got.code, got.err, got.out), (code, "adze: %s\n" % sentence, ""))
        self.assertEqual(sorted(os.listdir(".")), before)

    def test_refusals(self):
        out = ["--out", "made.html"]
        for name, content, sentence in (
                ("broken.json", "{", "is not valid JSON"),
                ("empty.json", "", "is not valid JSON"),
                ("huge.json", '{"format": 1e999}', "is not valid JSON"),
                ("list.json", "[]", "is not an evidence file: it holds no JSON object"),
                ("deep.json", '{"format":' + "[" * 100000 + "]" * 100000 + "}",
                 "is not valid JSON"),
                ("other.json", '{"format": "adze.encodings", "version": 1}',
                 "is not an evidence file: its format is not adze.evidence"),
                ("new.json", '{"format": "adze.evidence", "version": 2}',
                 "version of the evidence is not 1, the only one that this adze knows"),
                ("kind.json", '{"format": "adze.evidence", "version": 1, "layers": [{"name": "a"}, {"name": "b", "macs": "3"}]}',
                 "layers[1].macs is not a number")):
            write(name, content)
            self.refused(3, "%s: %s" % (name, sentence), name, *out)
        write("good.json", json.dumps(sample()))
        self.refused(2, "report.pdf: unknown kind of report; adze writes .html and .md", "good.json", "--out", "report.pdf")
        got = call(ADZE, "report", "missing.json", *out)
        self.assertEqual(got.code, 3)
        self.assertRegex(got.err, r"^adze: missing\.json: [^\n]*\n$")
        got = call(ADZE, "report", "good.json", "--out", "no_folder/r.html")
        self.assertEqual(got.code, 3)

    def test_json(self):
        write("good.json", json.dumps(sample()))
        got = call(ADZE, "report", "good.json", "--out", "r.html", "--json")
        self.assertEqual(json.loads(got.out), {"file": "r.html", "bytes": os.path.getsize("r.html")})


class Document(unittest.TestCase):
    def test_fields_and_their_order(self):
        with open(os.path.join(HERE, "..", "..", "docs", "evidence.md"), encoding="utf-8") as f:
            parts = f.read().split("\n### ")[1:]
        fields = {}
        for part in parts:
            rows = [line.split("|")[1] for line in part.split("\n") if line.startswith("| `")]
            fields[part.split("\n")[0]] = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
        fields["after"] = fields["before"] + fields["after"]
        evidence = sample()
        self.assertEqual(fields.pop("file"), list(evidence))
        for name, listed in fields.items():
            items = evidence[name] if isinstance(evidence[name], list) else [evidence[name]]
            for item in items:
                self.assertEqual(list(item), listed, name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        result = unittest.main(exit=False).result
        os.chdir("/")
    sys.exit(not result.wasSuccessful())
