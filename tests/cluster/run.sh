#!/bin/sh
# Three nodes and three nats-servers with the files of deploy/cluster, streams that move between the
# nodes, and faults: is an event lost without a gap, repeated, out of order, or its id another's?
# Needs nats-server, haproxy, openssl, iproute2, Python, and for dropped packets nftables; runs in a
# network of its own.
#
#   tests/cluster/run.sh [PATH-OF-CRIER [OPTION…]]
#     --long          600 streams, longer and more faults, each of them more than once
#     --only TEXT     only the faults with TEXT in their names
#     --seed N        which streams move when, and where to
#
# Prints one line a fault, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
PATH=$PATH:/usr/sbin:/sbin
need "nats-server haproxy openssl iproute2 python3" nats-server haproxy openssl ip python3
if [ $# -gt 0 ]; then shift; fi
if ! "$crier" config --schema | grep -q '"nats"'; then
  echo "skip  cluster: this crier has no journal in NATS"
  exit
fi
if ! unshare --user --map-root-user --net true 2>/dev/null; then
  echo "skip  cluster: no networks may be made here"
  exit
fi
# shellcheck disable=SC2016
exec unshare --user --map-root-user --net sh -c 'ip link set lo up && exec python3 "$@"' sh \
  "$here/runner.py" "$crier" "$@"
