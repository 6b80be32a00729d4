#!/bin/sh
# with_python.sh MODULES SCRIPT [ARGUMENT ...]: runs a Python script with the first Python that can import MODULES
# (comma-separated): $ADZE_PYTHON, .venv of the repository, /opt/adze-venv, python3, /usr/bin/python3. Exit 77 (skipped) if there is none.
set -eu
modules=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
for python in "${ADZE_PYTHON:-}" "$root/.venv/bin/python" /opt/adze-venv/bin/python python3 /usr/bin/python3; do
  [ -n "$python" ] && "$python" -c "import $modules" 2>/dev/null || continue
  exec "$python" "$@"
done
echo "no Python with $modules: skipped"
exit 77
