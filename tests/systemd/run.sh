#!/bin/sh
# crier as a service of a real systemd, booted in a container. Needs root, systemd-container and, to
# make the container's root once, mmdebstrap.
#
#   tests/systemd/run.sh [PATH-OF-CRIER]
#
# $CRIER_SYSTEMD_ROOT: a Debian 12 root with systemd to use instead of making one. Prints one line a
# case, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
crier=${1:-$here/../../.build/release/crier}
if [ ! -x "$crier" ]; then
  echo "no daemon at $crier: build it, or name it as the first argument" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "containers need root: run this with sudo" >&2
  exit 1
fi
if ! command -v systemd-nspawn >/dev/null; then
  echo "systemd-nspawn is missing: apt-get install systemd-container" >&2
  exit 1
fi
root=${CRIER_SYSTEMD_ROOT:-$here/../../.build/systemd-root}
if [ ! -d "$root/etc" ]; then
  mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,curl \
    --include=libuv1,libspdlog1.10,libprometheus-cpp-core1.0,libsystemd0 \
    bookworm "$root" >&2
fi
exec python3 "$here/runner.py" "$(realpath "$crier")" "$(realpath "$root")"
