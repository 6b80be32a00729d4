#!/usr/bin/env bash
# Builds the fuzzers and runs each for FUZZ_SECONDS (default 30) from freshly made seeds and what earlier runs found, with
# the random seed FUZZ_SEED (default 1: a fresh checkout always takes the same path). A crash fails.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-30}
cmake --preset fuzz >/dev/null
names=$(basename -s .cc fuzz/*_fuzzer.cc)
# shellcheck disable=SC2086
cmake --build build-fuzz -j "$(nproc)" --target $names adz_seeds >/dev/null
for name in $names; do
  fuzzer=build-fuzz/fuzz/$name
  corpus=build-fuzz/corpus/$name
  mkdir -p "$corpus"
  [ -x fuzz/make_seeds.py ] && python3 fuzz/make_seeds.py "$name" "$corpus"
  if [ "$name" = adz_fuzzer ]; then build-fuzz/fuzz/adz_seeds . "$corpus"; fi
  echo "fuzz: $name for $seconds s"
  log=build-fuzz/$name.log
  if ! "$fuzzer" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=build-fuzz/ "$corpus" >"$log" 2>&1; then
    tail -n 60 "$log"
    exit 1
  fi
  grep 'stat::number_of_executed_units' "$log"
done
