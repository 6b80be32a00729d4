"""The documentation: generated pages are fresh, links resolve, every page can be reached, commands that are shown exist.

usage: reference_test.py PATH_OF_adze [unittest arguments]
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

ADZE = os.path.abspath(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MAKE = [sys.executable, str(ROOT / "tools" / "make_reference"), ADZE, "--check"]


def documents():
    """Every Markdown file of the repository; build folders and hidden ones are not part of it."""
    for folder, folders, files in os.walk(ROOT):
        at_top = pathlib.Path(folder) == ROOT
        folders[:] = [f for f in folders if not f.startswith(".") and not (at_top and re.match(r"build|out$", f))]
        yield from (pathlib.Path(folder) / f for f in sorted(files) if f.endswith(".md"))


def without_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda m: re.sub(r"[\[\]()]", "", m[0]), text)


def links(path):
    """Targets of the links in a file, those to other sites left out."""
    for target in re.findall(r"\]\(([^()\s]+)\)", without_code(path.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(path):
    """What GitHub makes of the headings of a file."""
    for heading in re.findall(r"^#+ (.*)$", without_code(path.read_text(encoding="utf-8")), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Reference(unittest.TestCase):
    def test_pages_are_what_the_program_says(self):
        for env in ({}, {"ADZE_ISA": "generic", "COLUMNS": "40", "TERM": "xterm", "LC_ALL": "C"}):
            done = subprocess.run(MAKE, env={**os.environ, **env}, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class Links(unittest.TestCase):
    def test_every_relative_link_resolves(self):
        broken = []
        for path in documents():
            for target in links(path):
                file, _, anchor = target.partition("#")
                to = (path.parent / file).resolve() if file else path
                if not to.exists() or ROOT not in (to, *to.parents):
                    broken.append("%s: %s" % (path.relative_to(ROOT), target))
                elif anchor and anchor not in anchors(to):
                    broken.append("%s: %s: no such heading" % (path.relative_to(ROOT), target))
        self.assertEqual(broken, [])

    def test_every_page_is_reached_from_the_index(self):
        reached = set()
        todo = [ROOT / "docs" / "README.md"]
        while todo:
            page = todo.pop()
            if page in reached or page.suffix != ".md" or not page.exists():
                continue
            reached.add(page)
            todo += [(page.parent / t.partition("#")[0]).resolve() for t in links(page) if not t.startswith("#")]
        pages = {p.resolve() for p in documents() if ROOT / "docs" in p.parents}
        self.assertEqual(sorted(map(str, pages - reached)), [])
        self.assertGreater(len(pages), 20)


class Commands(unittest.TestCase):
    def test_commands_in_code_blocks_exist_and_have_their_options(self):
        options = {}
        wrong = []
        seen = 0
        for path in documents():
            for block in re.findall(r"^```.*?\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S):
                for line in re.findall(r"^(?:\$ )?adze ([a-z]+ .*)$", block.replace("\\\n", " "), re.M):
                    words = line.split(" #")[0].split()
                    command = words[0]
                    if command not in options:
                        done = subprocess.run([ADZE, command, "--help"], capture_output=True, text=True)
                        options[command] = set(re.findall(r"--[a-z-]+", done.stdout)) if done.returncode == 0 else None
                    if options[command] is None:
                        wrong.append("%s: no command '%s'" % (path.relative_to(ROOT), command))
                        continue
                    seen += 1
                    wrong += ["%s: adze %s has no option %s" % (path.relative_to(ROOT), command, w) for w in
                              re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(words)) if w not in options[command]]
        self.assertEqual(wrong, [])
        self.assertGreater(seen, 20)


if __name__ == "__main__":
    unittest.main()
