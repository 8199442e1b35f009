#!/bin/sh
# Prints the path of the first Python of these versions that has its venv module: find_python.sh 3.11 3.12 3.13
# Where PYTHON is set, only that one is tried.
set -u

tell='import sys, venv, ensurepip
sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv[1:] or print(sys.executable))'

if [ -n "${PYTHON:-}" ]; then
  "$PYTHON" -c "$tell" "$@" 2>/dev/null
  exit
fi
for version in "$@"; do
  "python$version" -c "$tell" "$version" 2>/dev/null && exit
  # pyenv's stand-in for a version that is not chosen runs it only when it is asked for by this variable.
  PYENV_VERSION=$version "python$version" -c "$tell" "$version" 2>/dev/null && exit
done
python3 -c "$tell" "$@" 2>/dev/null
