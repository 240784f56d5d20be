#!/bin/sh
# deploy/http.md, request by request, and its recipes, against the real binary; before it, the
# settings and defaults that the pages of deploy/ name. Needs curl and Python; recipes in languages
# that are not installed are skipped.
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
failed=0
python3 "$here/defaults.py" "$crier" "$here/../.." || failed=1
python3 "$here/page.py" "$crier" "$here/../../deploy/http.md" || failed=1
exit "$failed"
