#!/usr/bin/env bash
# Installs what a step needs on Debian 12, and nothing if it is there already.
#   tools/setup.sh build   compiler, CMake, libraries (apt)
#   tools/setup.sh test    + GoogleTest, Chromium (the report's tests) and, in .venv, the consumers we test against: onnx,
#                          onnxruntime, pillow (pip)
#   tools/setup.sh package + dpkg-dev, for the dependencies of Debian packages (apt)
#   tools/setup.sh check   + clang-format, clang-tidy (apt)
#   tools/setup.sh fuzz    + clang and its sanitizer runtime (apt)
#   tools/setup.sh bench   + openvino in .venv (pip)
set -euo pipefail
cd "$(dirname "$0")/.."

apt_build="g++ make cmake ninja-build pkg-config libprotozero-dev libhwy-dev libcli11-dev nlohmann-json3-dev libyaml-cpp-dev
  libjpeg-dev libpng-dev zlib1g-dev libsodium-dev python3"
apt_test="libgtest-dev libbenchmark-dev python3-venv groff-base chromium"
apt_package="dpkg-dev file"
apt_check="clang-format clang-tidy"
apt_fuzz="clang lld libclang-rt-14-dev"
pip_test="onnx==1.20.1 onnxruntime==1.31.1 numpy==2.4.6 pillow==13.0.0"
pip_bench="openvino==2026.4.1 sympy==1.14.0"

want_apt() {
  local missing=""
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  echo "installing:$missing" >&2
  $sudo apt-get update -qq >&2
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >&2
}

want_pip() {
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/pip install -q --disable-pip-version-check "$@" >&2
}

case "${1:-build}" in
  build) want_apt $apt_build ;;
  test) want_apt $apt_build $apt_test; want_pip $pip_test ;;
  package) want_apt $apt_build $apt_package ;;
  check) want_apt $apt_build $apt_check ;;
  fuzz) want_apt $apt_build $apt_fuzz ;;
  bench) want_apt $apt_build $apt_test; want_pip $pip_test $pip_bench ;;
  *) echo "usage: tools/setup.sh build|test|package|check|fuzz|bench" >&2; exit 2 ;;
esac
