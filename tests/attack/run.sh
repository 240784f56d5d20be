#!/bin/sh
# The short form of the attacks on the real binary. Needs Python 3, `ss`, and the tools bench_load,
# attack_connections and attack_heads in tests/ beside the binary.
#
#   tests/attack/run.sh [PATH-OF-CRIER]
#
# Prints one line an attack, `ok` or `FAIL`; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "python3 iproute2" python3 ss
exec python3 "$here/attack.py" --short --crier "$crier"
