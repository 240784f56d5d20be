#!/bin/sh
# System calls of a live daemon under load fail, one after another, and after each everything must
# be as before. Needs strace, Python, and leave to trace.
#
#   tests/faults/run.sh [PATH-OF-CRIER [OPTION…]]
#     --long             10,000 faults, not 300, and what takes minutes
#     --runs N           faults to inject
#     --minutes N        inject no more after so long
#     --only TEXT        only the faults with TEXT in their names
#     --when N | N..M    the N-th call fails, or all from N to M; README.md
#     --variant 0..3     only this daemon
#
# Prints one line a fault, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "strace python3" strace python3
if [ $# -gt 0 ]; then shift; fi
if ! strace -o /dev/null true 2>/dev/null; then
  echo "skip  faults: no process may be traced here"
  exit
fi
exec python3 "$here/runner.py" "$crier" "$@"
