"""What surrounds the commands: completions, manual pages, doctor, colours.

usage: shell_test.py PATH_OF_adze [unittest arguments]
"""
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import call, write  # noqa: E402

ADZE = os.path.abspath(sys.argv.pop(1))
PLAIN = {"ADZE_ISA": "", "NO_COLOR": "", "TERM": "xterm"}


def adze(*arguments):
    got = call(ADZE, *arguments, env=PLAIN)
    if got.code != 0 or got.err:
        raise AssertionError("%s: exit code %d: %s" % (arguments, got.code, got.err))
    return got.out


def commands():
    """Names of the commands as `adze --help` lists them."""
    return re.findall(r"^  ([a-z]+)  ", adze("--help").split("Subcommands:")[1], re.M)


def options(command):
    return set(re.findall(r"^  (?:-h,)?(--[a-z0-9-]+)", adze(command, "--help"), re.M))


class Completion(unittest.TestCase):
    def complete(self, *words):
        """What bash offers for the last of `words`."""
        script = ('source adze.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _adze; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def setUp(self):
        write("adze.bash", adze("completion", "bash"))

    def test_bash(self):
        subprocess.run(["bash", "-n", "adze.bash"], check=True)
        self.assertEqual(set(self.complete("adze", "")), set(commands()) | {"--help", "--version"})
        self.assertEqual(self.complete("adze", "quan"), ["quantize"])
        observers = ["auto"] + [o["name"] for o in json.loads(adze("list", "observers", "--json"))["observers"]]
        self.assertEqual(self.complete("adze", "quantize", "net.onnx", "--calibration", ""), observers)
        self.assertEqual(self.complete("adze", "quantize", "--calibration", "mi"), ["minmax"])
        self.assertEqual(self.complete("adze", "quantize", "--calibration", "=", "mi"), ["minmax"])
        self.assertEqual(self.complete("adze", "quantize", "--calibration", "="), observers)
        self.assertEqual(self.complete("adze", "list", "ob"), ["observers"])
        self.assertIn("fold_pad", self.complete("adze", "opt", "net.onnx", "--disable-pass", "fold"))
        self.assertEqual(self.complete("adze", "quantize", "net.onnx", "--out", "--"), [])  # a file's name

    def test_bash_offers_every_option(self):
        for command in commands():
            self.assertEqual(set(self.complete("adze", command, "-")), options(command), command)

    def test_zsh_and_fish_name_everything(self):
        for shell in "zsh", "fish":
            script = adze("completion", shell)
            for command in commands():
                self.assertIn(command, script)
                for option in options(command):
                    self.assertRegex(script, r"%s\b" % option[2:])
            if shutil.which(shell):
                write("adze." + shell, script)
                subprocess.run([shell, "-n", "adze." + shell], check=True)


class Man(unittest.TestCase):
    def test_pages(self):
        adze("man", "--out", "pages")
        self.assertEqual(sorted(os.listdir("pages")),
                         sorted(["adze.1"] + ["adze-%s.1" % c for c in commands()]))
        for page in os.listdir("pages"):
            command = page[5:-2]
            with open(os.path.join("pages", page), encoding="utf-8") as f:
                text = f.read()
            self.assertEqual(text, adze("man", *filter(None, [command])))
            for option in options(command) if command else ["--version"]:
                self.assertIn(option.replace("-", "\\-"), text)
            if shutil.which("groff"):
                done = subprocess.run(["groff", "-Kutf8", "-man", "-Tutf8", "-ww", "-z", os.path.join("pages", page)],
                                      capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), page)
        main = adze("man")
        for command in commands():
            self.assertIn("\\fB%s\\fR" % command, main)


class Doctor(unittest.TestCase):
    def doctor(self, *arguments, env=None):
        got = call(ADZE, "doctor", "--json", "--python", "./python", *arguments, env={**PLAIN, **(env or {})})
        return got, json.loads(got.out)

    def setUp(self):
        write("python", '#!/bin/sh\ncase "$2" in *version*platform*|*platform*) echo 3.99;; '
                        '*onnxruntime*) echo 1.2.3;; *) exit 1;; esac\n')
        os.chmod("python", 0o755)

    def test_report(self):
        got, r = self.doctor()
        self.assertEqual(list(r), ["version", "cpu", "isa", "kernels", "threads", "memory", "folders", "python",
                                   "consumers", "terminal", "problems"])
        self.assertEqual(got.code, 1 if r["problems"] else 0)
        self.assertEqual(r["python"], {"program": "./python", "version": "3.99"})
        self.assertEqual({c["name"]: c["version"] for c in r["consumers"]},
                         {"onnx": None, "onnxruntime": "1.2.3", "openvino": None})
        self.assertEqual(r["isa"]["used"], r["isa"]["best"])
        self.assertEqual(r["kernels"]["conv_i8"], r["isa"]["best"])
        self.assertTrue(1 <= r["threads"]["used"] <= r["threads"]["affinity"] <= r["threads"]["online"])
        self.assertEqual([f["writable"] for f in r["folders"]], [True, True])
        self.assertFalse(r["terminal"]["stdout"])
        self.assertEqual([n for n in os.listdir(".") if "doctor" in n], [])

    def test_problems_have_advice(self):
        got, r = self.doctor("--out", "nowhere")
        self.assertEqual(got.code, 1)
        self.assertIn("--out", r["problems"][0]["advice"])
        self.assertRegex(got.err, r"^adze: doctor found \d problems?\n$")
        got, r = self.doctor(env={"ADZE_ISA": "cows"})
        self.assertEqual(got.code, 1)
        self.assertIsNone(r["isa"]["used"])
        self.assertIn("unset ADZE_ISA", r["problems"][0]["advice"])
        if r["isa"]["best"] != "generic":
            got, r = self.doctor(env={"ADZE_ISA": "generic"})
            self.assertEqual((got.code, r["kernels"]["float"]), (1, "generic"))
        text = call(ADZE, "doctor", "--out", "nowhere", "--python", "./python", env=PLAIN)
        self.assertIn("problem the output folder cannot be written", text.out)
        self.assertIn("onnxruntime 1.2.3", text.out)

    def test_little_memory(self):
        got = call(ADZE, "doctor", "--json", "--python", "./python", env=PLAIN, shell_prefix="ulimit -v 300000;")
        if got.code == 1:  # sanitizers need more address space to start
            r = json.loads(got.out)
            self.assertEqual(r["memory"]["process_limit_bytes"], 300000 * 1024)
            self.assertIn("ulimit", r["problems"][0]["advice"])


class Color(unittest.TestCase):
    def on_terminal(self, *arguments, **env):
        """What the program says when all its streams are a terminal."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(ADZE, [ADZE, *arguments], {**os.environ, **PLAIN, **env})
        said = b""
        while True:
            try:
                part = os.read(fd, 65536)
            except OSError:
                break
            if not part:
                break
            said += part
        os.waitpid(pid, 0)
        os.close(fd)
        return said.decode()

    def test_errors(self):
        wrong = ("inspect", "nothing.onnx")
        self.assertIn("\x1b[1;31madze:\x1b[0m nothing.onnx", self.on_terminal(*wrong))
        for env in {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}:
            said = self.on_terminal(*wrong, **env)
            self.assertNotIn("\x1b", said, env)
            self.assertIn("adze: nothing.onnx", said)
        self.assertNotIn("\x1b", call(ADZE, *wrong, env=PLAIN).err)

    def test_doctor(self):
        self.assertIn("\x1b[1mprocessor\x1b[0m", self.on_terminal("doctor", "--python", "false"))
        self.assertNotIn("\x1b", self.on_terminal("doctor", "--python", "false", NO_COLOR="yes"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        result = unittest.main(exit=False).result
        os.chdir("/")
    sys.exit(not result.wasSuccessful())
