#!/bin/sh
# The dashboard of a real daemon in Chromium. Needs Node 18 or newer, npm and Chromium.
#
#   tests/dashboard/run.sh [PATH-OF-CRIER]
#
# Prints one line a case, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "nodejs npm chromium" node npm chromium

cd "$here/../clients"
npm_install
exec node --no-warnings "$here/runner.mjs" "$crier"
