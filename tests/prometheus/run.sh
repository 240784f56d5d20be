#!/bin/sh
# What crier tells Prometheus, with the real binary: the form of /metrics, crier-metrics(7), the
# alerts of deploy/prometheus, the queries of deploy/grafana, and the commands of deploy/runbook.md.
# Needs curl, nats-server and Python. What needs promtool or Prometheus (Debian's package
# prometheus, installed or, as tests/run.sh does, unpacked into .build/prometheus) is skipped
# without it.
#
#   tests/prometheus/run.sh [PATH-OF-CRIER]
#
# Prints one line a case, `ok`, `FAIL` or `skip`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "curl nats-server python3" curl nats-server python3
PATH=$PATH:$here/../../.build/prometheus/usr/bin
exec python3 "$here/cases.py" "$crier" "$here/../../deploy"
