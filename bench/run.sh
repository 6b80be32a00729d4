#!/usr/bin/env bash
# Every table of docs/benchmarks.md, in its order. Needs ../shared/data and `tools/setup.sh bench`; about an hour on two cores, and
# hours more for accuracy.py, which goes on where it was interrupted.
#   bench/run.sh ADZE
set -euo pipefail
cd "$(dirname "$0")"
adze=$(realpath "${1:-../build/src/cli/adze}")
python=../.venv/bin/python
data=../../shared/data
$python float_parity.py "$adze"
$python top1.py "$adze"
$python w8a8.py "$adze"
$python observers.py "$adze"
for way in "" --swap; do
  # shellcheck disable=SC2086
  $python quantize_static.py "$adze" $way mobilenet_v2 squeezenet1.1
done
$python quantize_static.py "$adze" cifar10_resnet20
$python accuracy.py --adze "$adze"
$python glyphs.py "$adze"
$python compress.py "$adze"
consumers() { $python consumers.py "$adze" --forms qdq,qoperator --ranges 7 "$@"; }
consumers --evaluate 500 mobilenet_v2 squeezenet1.1 mobilenet_edgetpu
consumers --evaluate 2000 cifar10_resnet20 mlperf_tiny_resnet8
$python qoperator_definition.py "$adze"
$python detect.py "$adze"
$python startup.py "$adze"
$python latency.py "$adze" "$data/models/mobilenet_v2.onnx" "$data/models/squeezenet1.1.onnx" "$data/models/cifar10_resnet20.onnx"
