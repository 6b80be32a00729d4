"""Installs the build into a temporary prefix, and builds and runs a project that knows nothing but that prefix. Then makes
the Debian packages, where dpkg-dev is installed, and looks into them.

usage: install_test.py CMAKE BUILD_FOLDER C_COMPILER CXX_COMPILER FLAGS
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CMAKE, BUILD, CC, CXX, FLAGS = sys.argv[1:6]
BUILD = os.path.abspath(BUILD)
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


def check_prefix(folder):
    prefix = folder / "prefix"
    run(CMAKE, "--install", BUILD, "--prefix", prefix)
    for path in ("bin/adze", "include/adze/adze.h", "include/adze/adze.hpp", "share/doc/adze/LICENSE",
                 "share/man/man1/adze.1", "share/man/man1/adze-quantize.1",
                 "share/bash-completion/completions/adze", "share/zsh/site-functions/_adze",
                 "share/fish/vendor_completions.d/adze.fish"):
        if not (prefix / path).is_file():
            sys.exit("not installed: " + path)
    if not run(prefix / "bin/adze", "--version").startswith("adze "):
        sys.exit("the installed program does not say its version")
    return prefix


def check_consumer(folder, prefix):
    build = folder / "consumer"
    run(CMAKE, "-S", HERE, "-B", build, "-G", "Ninja", "-DCMAKE_PREFIX_PATH=%s" % prefix, "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_C_COMPILER=" + CC, "-DCMAKE_CXX_COMPILER=" + CXX, "-DCMAKE_C_FLAGS=" + FLAGS,
        "-DCMAKE_CXX_FLAGS=" + FLAGS)
    run(CMAKE, "--build", build)
    network = folder / "net.adzir"
    network.write_text(NETWORK)
    plan = folder / "net.adz"
    run(prefix / "bin/adze", "convert", network, "--out", plan)
    for program in "consumer_c", "consumer_cpp":
        for model in network, plan:
            run(build / program, model, cwd=folder, env={**os.environ, "ADZE_ISA": ""})


def check_packages(folder):
    run(pathlib.Path(CMAKE).parent / "cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"),
        "-B", folder / "packages", cwd=folder)
    root = folder / "root"
    packages = {p.name.split("_")[0]: p for p in (folder / "packages").glob("*.deb")}
    if sorted(packages) != ["adze", "libadze-dev"]:
        sys.exit("packages: %s" % sorted(packages))
    for package in packages.values():
        run("dpkg-deb", "-x", package, root)
    for path in ("usr/include/adze/adze.h", "usr/share/man/man1/adze.1.gz",
                 "usr/share/zsh/vendor-completions/_adze", "usr/share/doc/adze/copyright",
                 "usr/share/doc/libadze-dev/changelog.gz"):
        if not (root / path).is_file():
            sys.exit("not packaged: " + path)
    if not list(root.glob("usr/lib/**/libadze.a")):
        sys.exit("the library is not packaged")
    run(root / "usr/bin/adze", "--version")
    depends = run("dpkg-deb", "-f", packages["adze"], "Depends")
    for library in "libc6", "libsodium", "libyaml-cpp":
        if library not in depends:
            sys.exit("the package does not depend on %s: %s" % (library, depends))


with tempfile.TemporaryDirectory() as name:
    temporary = pathlib.Path(name)
    check_consumer(temporary, check_prefix(temporary))
    if shutil.which("dpkg-shlibdeps") and not FLAGS:  # sanitized programs are not packaged
        check_packages(temporary)
print("installed, built against, ran")
