#!/bin/sh
# crier as a service of a real systemd, booted in a container. Needs root, systemd-container and, to
# make the container's root once, mmdebstrap; skips where one is missing.
#
#   tests/systemd/run.sh [PATH-OF-CRIER [PART-OF-A-CASE'S-NAME]]
#
# $CRIER_SYSTEMD_ROOT: a Debian 12 root with systemd and crier's libraries to use instead of making
# one. Prints one line a case, `ok` or `FAIL`, then a count; ends with 1 if anything failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
# skip REASON
skip() {
  echo "skip  the units on a real systemd: $1"
  exit
}
[ "$(id -u)" -eq 0 ] || skip "containers need root"
command -v systemd-nspawn >/dev/null || skip "apt-get install systemd-container"
unshare --user --mount --pid --net --fork --propagation unchanged true 2>/dev/null ||
  skip "no namespaces may be made here"
root=${CRIER_SYSTEMD_ROOT:-$here/../../.build/debian-systemd}
if [ ! -d "$root/etc" ]; then
  grep -q 'VERSION_CODENAME=bookworm' /etc/os-release || skip "made for Debian 12"
  command -v mmdebstrap >/dev/null || skip "apt-get install mmdebstrap"
  mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,curl \
    --include=libuv1,libspdlog1.10,libprometheus-cpp-core1.0,libsqlite3-0 \
    bookworm "$root.new" >&2
  mv "$root.new" "$root"
fi
exec python3 "$here/runner.py" "$crier" "$(realpath "$root")" ${2+"$2"}
