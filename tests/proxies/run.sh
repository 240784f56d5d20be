#!/bin/sh
# crier behind the distribution's nginx, HAProxy and Caddy, with the files of deploy/proxies. Needs
# these three, curl, openssl, Python, Node 18 or newer and npm. Starts no system service.
#
#   tests/proxies/run.sh [PATH-OF-CRIER [--slow]]      --slow: waits longer than proxies' timeouts
#
# Prints one line a proxy and case, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
PATH=$PATH:/usr/sbin
need "nginx haproxy caddy curl openssl python3 nodejs npm" \
  nginx haproxy caddy curl openssl python3 node npm

cd "$here/../clients"
npm_install
exec node --no-warnings "$here/runner.mjs" "$crier" ${2+"$2"}
