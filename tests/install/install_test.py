"""Installs the build into a temporary prefix, and builds and runs a project that knows nothing but that prefix.

usage: install_test.py CMAKE BUILD_FOLDER C_COMPILER CXX_COMPILER FLAGS
"""
import os
import pathlib
import subprocess
import sys
import tempfile

CMAKE, BUILD, CC, CXX, FLAGS = sys.argv[1:6]
HERE = pathlib.Path(__file__).resolve().parent

NETWORK = """graph "consumer" {
  input %x : float32[N,3]
  const %w : float32[3,2] = [1, 0, 0.5, -1, 2, 1]
  const %b : float32[2] = [10, 20]
  %y = Gemm(%x, %w, %b)
  %best = ArgMax(%y) {axis=1, keepdims=0}
  output %y
  output %best
}
"""


def run(*command, **how):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **how)
    if done.returncode != 0:
        sys.exit("%s: exit code %d\n%s%s" % (" ".join(map(str, command)), done.returncode, done.stdout, done.stderr))
    return done.stdout


with tempfile.TemporaryDirectory() as folder:
    prefix = pathlib.Path(folder) / "prefix"
    run(CMAKE, "--install", BUILD, "--prefix", prefix)
    for path in ("bin/adze", "include/adze/adze.h", "include/adze/adze.hpp", "share/doc/adze/LICENSE",
                 "share/man/man1/adze.1", "share/man/man1/adze-quantize.1",
                 "share/bash-completion/completions/adze", "share/zsh/site-functions/_adze",
                 "share/fish/vendor_completions.d/adze.fish"):
        if not (prefix / path).is_file():
            sys.exit("not installed: " + path)
    if not run(prefix / "bin/adze", "--version").startswith("adze "):
        sys.exit("the installed program does not say its version")
    build = pathlib.Path(folder) / "consumer"
    run(CMAKE, "-S", HERE, "-B", build, "-G", "Ninja", "-DCMAKE_PREFIX_PATH=%s" % prefix, "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_C_COMPILER=" + CC, "-DCMAKE_CXX_COMPILER=" + CXX, "-DCMAKE_C_FLAGS=" + FLAGS,
        "-DCMAKE_CXX_FLAGS=" + FLAGS)
    run(CMAKE, "--build", build)
    network = pathlib.Path(folder) / "net.adzir"
    network.write_text(NETWORK)
    for program in "consumer_c", "consumer_cpp":
        run(build / program, network, cwd=folder, env={**os.environ, "ADZE_ISA": ""})
print("installed, built against, ran")
