#!/bin/sh
# deploy/http.md, request by request, and its recipes, against the real binary. Needs curl and
# Python; recipes in languages that are not installed are skipped.
#
#   tests/interface/run.sh [PATH-OF-CRIER]
#
# Prints one line a request and recipe, `ok`, `FAIL` or `skip`, then a count; ends with 1 if
# anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "curl python3" curl python3
exec python3 "$here/page.py" "$crier" "$here/../../deploy/http.md"
