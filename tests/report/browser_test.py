"""The report in a real browser: quiet console, no request but the file, fits a phone, dark and printed, by keyboard, and
without script. Skipped (77) where there is no Chromium.

usage: browser_test.py PATH_OF_adze [unittest arguments]
"""
import copy
import json
import os
import re
import sys
import tempfile
import unittest

ADZE = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # noqa: E402
import page_test  # noqa: E402  (takes the program's path from the arguments)


def large():
    """The sample's layers, tensors and nodes over and over: 120 layers, with names that run on without a space."""
    e = page_test.sample()
    layers, tensors, nodes = e["layers"], e["tensors"], e["graph"]["nodes"]
    e["layers"], e["tensors"], e["graph"]["nodes"] = [], [], []
    for i in range(40):
        def rename(value):
            if isinstance(value, dict):
                return {k: v if k in ("kind", "level", "precision", "op", "storage") else rename(v) for k, v in value.items()}
            if isinstance(value, list):
                return [rename(v) for v in value]
            return "features.%d.%s_%s" % (i, value, "w" * i) if isinstance(value, str) and value != "inf" else value
        e["layers"] += rename(copy.deepcopy(layers))
        e["tensors"] += rename(copy.deepcopy(tensors))
        e["graph"]["nodes"] += rename(copy.deepcopy(nodes))
    return e


class InBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name, evidence in (("sample", page_test.sample()), ("large", large()), ("hostile", page_test.hostile())):
            page_test.render(evidence, name + ".html")
        cls.b = browser.Browser(browser.find())

    @classmethod
    def tearDownClass(cls):
        cls.b.close()

    def quiet(self, name):
        self.assertEqual(self.b.complaints, [])
        self.assertNotIn("Page.javascriptDialogOpening", self.b.events)
        self.assertEqual({r.split("/")[-1].split("#")[0] for r in self.b.requests if not r.startswith("data:")},
                         {name + ".html"})

    def test_fits_and_is_quiet(self):
        for name in "sample", "large", "hostile":
            for width, height in (390, 844), (320, 640), (768, 1024), (1280, 900):
                self.b.open(name + ".html", width, height)
                self.quiet(name)
                self.b.ask("for (const d of document.querySelectorAll('details')) d.open = true")
                widest = self.b.ask("document.documentElement.scrollWidth")
                self.assertLessEqual(widest, width, "%s at %d" % (name, width))
                self.assertEqual(self.b.ask("window.innerWidth"), width, "%s was zoomed out" % name)

    def test_colours_follow_the_system_and_can_be_read(self):
        # Contrast of text to what lies behind it, as WCAG 2 defines it; 4.5 is its level AA.
        contrast = """(() => {
          const rgb = c => c.match(/[\\d.]+/g).map(Number);
          const light = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                               return .2126 * r + .7152 * g + .0722 * b; };
          const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                                if (rgb(c)[3] !== 0) return c; } return 'rgb(255, 255, 255)'; };
          let worst = [99, ''];
          for (const e of document.querySelectorAll('body *:not(script):not(svg *)')) {
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            const a = light(getComputedStyle(e).color), b = light(behind(e));
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 200)];
          }
          return worst; })()"""
        papers = []
        for dark in False, True:
            self.b.open("sample.html", 1280, 900, dark)
            papers.append(self.b.ask("getComputedStyle(document.body).backgroundColor"))
            ratio, where = self.b.ask(contrast)
            self.assertGreaterEqual(ratio, 4.5, where)
        self.assertEqual(papers[0], "rgb(255, 255, 255)")
        self.assertNotEqual(papers[0], papers[1])
        self.b("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.assertEqual(self.b.ask("getComputedStyle(document.body).backgroundColor"), papers[0])

    def test_keyboard(self):
        self.b.open("sample.html", 1280, 900)
        self.b.press("Tab")
        self.assertEqual(self.b.ask("document.activeElement.textContent"), "Skip to the results")
        self.assertTrue(self.b.ask("document.activeElement.getBoundingClientRect().left >= 0"))
        reached = set()
        for _ in range(200):
            self.b.press("Tab")
            tag = self.b.ask("document.activeElement.localName")
            if tag == "body":
                break
            reached.add(tag)
            self.assertNotIn(self.b.ask("getComputedStyle(document.activeElement).outlineStyle"), ("none", ""), tag)
        self.assertLessEqual({"a", "button", "summary", "div", "pre"}, reached)
        self.b.ask("document.querySelector('.node summary').focus()")
        self.b.press("Enter", text="\r")
        self.assertTrue(self.b.ask("document.querySelector('.node details').open"))
        self.assertTrue(self.b.ask("document.querySelector('.node .body').innerText.includes('8 channels')"))

    def test_sorting(self):
        self.b.open("sample.html", 1280, 900)
        column = """[...document.querySelectorAll('#error tbody tr')].map(r => r.cells[%d].textContent)"""
        head = "document.querySelectorAll('#error thead th')[%d].%s"
        self.assertEqual(self.b.ask(column % 5), ["39.1\u00a0dB", "36.5\u00a0dB", "–"])
        for want, direction in ((["39.1\u00a0dB", "36.5\u00a0dB", "–"], "descending"),
                                (["36.5\u00a0dB", "39.1\u00a0dB", "–"], "ascending")):
            self.b.ask(head % (5, "querySelector('button').click()"))
            self.assertEqual(self.b.ask(column % 5), want)
            self.assertEqual(self.b.ask(head % (5, "ariaSort")), direction)
        self.b.ask(head % (6, "querySelector('button').click()"))
        self.assertEqual(self.b.ask(column % 6), ["∞\u00a0dB", "38.8\u00a0dB", "33.0\u00a0dB"])
        self.b.ask(head % (1, "querySelector('button').click()"))
        self.assertEqual(self.b.ask(column % 1), ["conv1Conv", "depthwiseConv", "gemmGemm"])

    def test_filter_and_links(self):
        self.b.open("large.html", 1280, 900)
        shown = "[...document.querySelectorAll('#graph [data-item]')].filter(e => e.offsetParent).length"
        everything = self.b.ask(shown)
        self.b.ask("""(() => { const f = document.querySelector('#graph input'); f.value = 'FEATURES.7.';
                      f.dispatchEvent(new Event('input')); })()""")
        self.assertEqual(self.b.ask(shown), 8)
        self.assertEqual(self.b.ask("document.querySelector('#graph [role=status]').textContent"), "8 of %d" % everything)
        self.b.open("large.html", 390, 800, fragment="#tensor-nowhere")
        self.quiet("large")
        identifier = self.b.ask("[...document.querySelectorAll('#tensors details .card')].pop().id")
        for script in True, False:  # without script browsers open the details by themselves
            self.b.open("large.html", 390, 800, script=script, fragment="#" + identifier)
            self.assertTrue(self.b.ask("""(() => { const r = document.getElementById('%s').getBoundingClientRect();
                                           return r.height > 0 && r.top < innerHeight && r.bottom > 0; })()""" % identifier))

    def test_without_script(self):
        self.b.open("sample.html", 390, 844, script=False)
        self.quiet("sample")
        self.assertEqual(self.b.ask("document.querySelectorAll('main button, main input').length"), 0)
        text = self.b.ask("document.body.innerText")
        for part in "Budget met", "1.59× smaller", "7.2 dB", "adze eval":
            self.assertIn(part, text.replace("\u00a0", " "))
        self.assertGreater(self.b.ask("document.querySelector('.plot').getBoundingClientRect().height"), 100)

    def test_print(self):
        closed = "document.querySelectorAll('details:not([open])').length"
        for script in True, False:
            self.b.open("sample.html", 1280, 900, script=script)
            before = self.b.ask(closed)
            pages = len(re.findall(rb"/Type\s*/Page\b", self.b.pdf()))
            self.assertTrue(2 <= pages <= 12, pages)
            self.assertEqual(self.b.ask(closed), before)  # put back
        # What is closed on the screen stands on paper, without script too.
        self.b("Emulation.setEmulatedMedia", media="print")
        self.assertGreater(self.b.ask("document.querySelector('.node .body').getBoundingClientRect().height"), 10)


if __name__ == "__main__":
    if not browser.find():
        print("no Chromium (tools/setup.sh test installs it): skipped")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        result = unittest.main(exit=False).result
        os.chdir("/")
    sys.exit(not result.wasSuccessful())
