#!/bin/sh
# Real clients against the real daemon. Needs curl, Node 18 or newer, npm and Chromium.
#
#   tests/clients/run.sh [PATH-OF-CRIER]
#
# Prints one line a client and case, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "curl nodejs npm chromium" curl node npm chromium

cd "$here"
npm_install  # The versions are those of package.json.

# A Node that has an EventSource of its own may hide it behind a flag.
built_in=
if node --experimental-eventsource -e 0 2>/dev/null; then built_in=--experimental-eventsource; fi
exec node --no-warnings $built_in runner.mjs "$crier"
