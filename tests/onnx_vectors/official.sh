#!/bin/sh
# official.sh RUNNER WORK: runs ONNX's backend node tests from the onnx package of the first Python that has one
# ($ADZE_PYTHON, .venv of the repository, /opt/adze-venv). Newer packages ship only the generators: then the vectors
# are written to WORK once. Exit 77 (skipped) when there is no such package.
set -eu
runner=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)
for python in "${ADZE_PYTHON:-}" "$here/../../.venv/bin/python" /opt/adze-venv/bin/python; do
  [ -n "$python" ] && [ -x "$python" ] || continue
  onnx=$("$python" -c 'import onnx,os;print(os.path.dirname(onnx.__file__))' 2>/dev/null) || continue
  nodes=$onnx/backend/test/data/node
  if [ ! -d "$nodes/test_abs" ]; then
    version=$("$python" -c 'import onnx;print(onnx.__version__)')
    nodes=$work/onnx-$version/node
    if [ ! -d "$nodes/test_abs" ]; then
      "$python" -W ignore -m onnx.backend.test.cmd_tools generate-data -o "$work/onnx-$version"
    fi
  fi
  exec "$runner" "$nodes" --refused "$here/refused.txt"
done
echo "no Python with the onnx package: skipped"
exit 77
