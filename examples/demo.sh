#!/usr/bin/env bash
# Quantizes the repository's own small network on its own images and shows what that cost and gained.
#   examples/demo.sh ADZE      ADZE is the adze program, such as build/src/cli/adze
# Leaves the int8 network and the measurements in build-demo/ and a report in out/report.html.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: examples/demo.sh ADZE" >&2; exit 2; }
[ -x "$1" ] || { echo "examples/demo.sh: $1 is not a program; 'make build' makes it" >&2; exit 2; }
command -v python3 >/dev/null || { echo "examples/demo.sh: needs python3 to print the table" >&2; exit 2; }
adze=$(realpath "$1")
cd "$(dirname "$0")/.."
mkdir -p build-demo out

float=examples/glyphs/glyphs.onnx
int8=build-demo/glyphs-int8.onnx
data=examples/glyphs/glyphs.yaml

# step NAME ARGUMENTS...: shows the command, and keeps what it reports (--json) in build-demo/NAME.json.
step() {
  local name=$1
  shift
  echo "  adze $*"
  "$adze" "$@" --json >"build-demo/$name.json"
}

echo "The network: reads one of 94 characters from a 32x32 gray image (examples/glyphs/README.md)."
step inspect inspect $float
echo "Quantize it: 512 images say how large each tensor gets. No labels, no training."
step quantize quantize $float --data $data --split calibration --samples 512 --out $int8
echo "Measure both on 5000 images in fonts that neither training nor calibration saw."
step eval_float eval $float --data $data --split test --batch 16
step eval_int8 eval $int8 --data $data --split test --batch 16 --reference $float
echo "Time both: one image at a time, one thread."
step bench_float bench $float --threads 1
step bench_int8 bench $int8 --threads 1
echo
python3 examples/demo_report.py $float $int8 build-demo out/report.html
