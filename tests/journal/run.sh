#!/bin/sh
# The journal under kill -9, failing disk calls and a full disk: what was acknowledged is there
# afterwards, once and in order. Needs Python and strace.
#
#   tests/journal/run.sh [PATH-OF-CRIER [OPTION…]]
#     --long             500 kills, not 20, and every disk call that may fail, more often
#     --kills N          so many
#     --seed N           the moments of another run again
#     --only TEXT        only the cases with TEXT in their names
#     --kind memory      without a journal: each kill is found as a loss
#
# Prints one line a case, `ok`, `FAIL` or `skip`; ends with 1 if any failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "strace python3" strace python3
if [ $# -gt 0 ]; then shift; fi
PYTHONPATH=$here/../support
export PYTHONPATH
exec python3 "$here/runner.py" "$crier" "$@"
