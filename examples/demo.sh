#!/usr/bin/env bash
# Compresses the repository's own network on its own images, twice: within half a point of accuracy, and so that hardly an answer changes.
#   examples/demo.sh ADZE      ADZE is the adze program, such as build/src/cli/adze
# Leaves networks, recipes and evidence in build-demo/ and the second one's report in out/report.html.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: examples/demo.sh ADZE" >&2; exit 2; }
[ -x "$1" ] || { echo "examples/demo.sh: $1 is not a program; 'make build' makes it" >&2; exit 2; }
adze=$(realpath "$1")
cd "$(dirname "$0")/.."
mkdir -p build-demo out

model=examples/glyphs/glyphs.onnx
data=examples/glyphs/glyphs.yaml

compress() {
  echo "  adze compress $model --data $data --samples 512 --threads 1 $*"
  "$adze" compress $model --data $data --samples 512 --threads 1 "$@"
}

echo "A network that reads one of 94 characters from a 32x32 gray image (examples/glyphs/README.md). 512 images without labels say how large"
echo "its tensors get; 5000 others, in fonts that neither training nor calibration saw, judge. At most half a point of top-1 may be lost:"
echo
compress --max-drop 0.5 --out build-demo/half-a-point
echo
echo "The same network, and at most 0.25 % of its answers may change, right or wrong. Where int8 changes more, the layers that hurt"
echo "most stay in float:"
echo
compress --metric flip_rate --max-drop 0.25 --out build-demo/same-answers
cp build-demo/same-answers/report.html out/report.html
echo
echo "out/report.html shows all of it. Next: a network of your own, docs/tutorials/own-network.md."
