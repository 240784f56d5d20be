#!/bin/sh
# crier behind the distribution's nginx, HAProxy and Caddy, with the files of deploy/proxies. Needs
# these three, curl, openssl, Node 18 or newer and npm. Starts no system service.
#
#   tests/proxies/run.sh [PATH-OF-CRIER [--slow]]      --slow: waits longer than proxies' timeouts
#
# Prints one line a proxy and case, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
crier=${1:-$here/../../.build/release/crier}
if [ ! -x "$crier" ]; then
  echo "no daemon at $crier: build it, or name it as the first argument" >&2
  exit 1
fi
PATH=$PATH:/usr/sbin
for tool in nginx haproxy caddy curl openssl node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool is missing: apt-get install nginx haproxy caddy curl openssl nodejs npm" >&2
    exit 1
  fi
done
crier=$(realpath "$crier")

cd "$here/../clients"
npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error >&2
exec node --no-warnings "$here/runner.mjs" "$crier" ${2+"$2"}
