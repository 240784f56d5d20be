#!/bin/sh
# Real clients against the real daemon. Needs curl, Node 18 or newer, npm and Chromium.
#
#   tests/clients/run.sh [PATH-OF-CRIER]
#
# Prints one line a client and case, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
crier=${1:-$here/../../.build/release/crier}
if [ ! -x "$crier" ]; then
  echo "no daemon at $crier: build it, or name it as the first argument" >&2
  exit 1
fi
for tool in curl node npm chromium; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool is missing: apt-get install curl nodejs npm chromium" >&2
    exit 1
  fi
done
crier=$(realpath "$crier")

cd "$here"
# The versions are those of package.json; a lock file would name the hosts of one registry.
npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error >&2

# A Node that has an EventSource of its own may hide it behind a flag.
built_in=
if node --experimental-eventsource -e 0 2>/dev/null; then built_in=--experimental-eventsource; fi
exec node --no-warnings $built_in runner.mjs "$crier"
