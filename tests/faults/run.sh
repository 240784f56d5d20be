#!/bin/sh
# System calls and allocations of a live daemon under load fail, one after another, and after each
# everything must be as before. Needs strace, Python, leave to trace, and the target
# failing_allocations built beside the daemon.
#
#   tests/faults/run.sh [PATH-OF-CRIER [OPTION…]]
#     --long             10,000 calls and 1,500 allocations, not 300 and 60, and what takes minutes
#     --runs N           calls to fail, and allocations
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
if [ ! -e "$(dirname "$crier")/tests/libfailing_allocations.so" ]; then
  echo "no tests/libfailing_allocations.so beside $crier: build the target failing_allocations" >&2
  exit 1
fi
if ! strace -o /dev/null true 2>/dev/null; then
  echo "skip  faults: no process may be traced here"
  exit
fi
PYTHONPATH=$here/../support
export PYTHONPATH
exec python3 "$here/runner.py" "$crier" "$@"
