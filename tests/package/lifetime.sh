# shellcheck shell=bash disable=SC2154,SC2016,SC2317
# A package's life in a clean Debian, sourced by run.sh: installed, upgraded, removed, purged.
# First without a service manager, as where containers are built, then in one that has booted.

# Packages are for the release of Debian they are made on.
release=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")
cache=$here/../../.build/debian-$release

# make_root: a copy of a clean Debian in $root, with lists of packages and the libraries that
# crier depends on, so that what is compared later is crier's own doing.
make_root() {
  local clean=${CRIER_TEST_ROOT:-$cache}
  if [ ! -d "$clean" ]; then
    mkdir -p "$(dirname "$cache")" && mmdebstrap --variant=minbase "$release" "$cache.new" &&
      mv "$cache.new" "$cache" || return
  fi
  cp -a "$clean" "$root" && cp /etc/resolv.conf "$root/etc/resolv.conf" || return
  mount -t proc proc "$root/proc" || return
  trap 'umount "$root/proc"; rm -rf --one-file-system "$scratch"' EXIT
  # Nothing of the package is left out, as in images that want to be small.
  rm -f "$root"/etc/dpkg/dpkg.cfg.d/*
  within apt-get update -q
  # shellcheck disable=SC2046
  apt_get install --no-install-recommends \
    $(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/(.*//;s/|.*//')
}

# within COMMAND…: in the clean Debian, once it has booted in what its service manager sees.
init=
within() {
  if [ -n "$init" ]; then
    nsenter -t "$init" -m -p -u -i -n -C -r -w \
      env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
  else
    chroot "$root" env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
  fi
}
apt_get() { within apt-get -q -y -o Dpkg::Options::=--force-confold "$@"; }

# Every file but those that any package changes or that are of this test; users and groups.
state() {
  within find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /var/tmp \
    -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -path /var/lib/dpkg \) \
    -prune -o -print |
    grep -vE '^/etc/(passwd|group|shadow|gshadow)-$|^/etc/\.pwd\.lock$' | sort
  within sort /etc/passwd
  within sort /etc/group
}

install_it() {
  cp "$package" "$root/var/tmp/crier.deb" && apt_get install /var/tmp/crier.deb &&
    [ "$(within dpkg-query -W -f '${db:Status-Status}' crier)" = installed ]
}

user_is_there() {
  [ "$(within getent passwd crier | cut -d: -f6-)" = /nonexistent:/usr/sbin/nologin ] &&
    within getent group crier && [ "$(within id -u crier)" -lt 1000 ]
}

service_alone_is_enabled() {
  local wants=$root/etc/systemd/system
  [ -L "$wants/multi-user.target.wants/crier.service" ] && [ ! -e "$wants/sockets.target.wants" ]
}

has_a_version() { within crier --version | grep -qx "crier $(dpkg-deb -f "$package" Version)"; }

# The next version: the same files, and another default in the conffile, as releases have them.
next_version() {
  local tree=$scratch/next
  dpkg-deb -R "$package" "$tree" &&
    sed -i "s/^Version: .*/&+next/" "$tree/DEBIAN/control" &&
    sed -i '1s/$/ Next./' "$tree/etc/crier/crier.json" &&
    dpkg-deb --root-owner-group -b "$tree" "$root/var/tmp/next.deb"
}

upgrade_keeps_what_was_edited() {
  sed -i 's/"interval_seconds": 15/"interval_seconds": 17/' "$root/etc/crier/crier.json" || return
  cp "$root/etc/crier/crier.json" "$scratch/edited" && next_version &&
    apt_get install /var/tmp/next.deb && cmp "$scratch/edited" "$root/etc/crier/crier.json" &&
    [ -e "$root/etc/crier/crier.json.dpkg-dist" ] &&
    within dpkg-query -W -f '${Version}' crier | grep -q '+next$'
}

upgrade_leaves_a_disabled_service() {
  local link=$root/etc/systemd/system/multi-user.target.wants/crier.service
  rm "$link" && apt_get install --reinstall /var/tmp/next.deb && [ ! -L "$link" ]
}

remove_keeps_the_conffile() {
  apt_get remove crier && [ ! -e "$root/usr/bin/crier" ] && [ ! -d "$root/usr/share/doc/crier" ] &&
    cmp "$scratch/edited" "$root/etc/crier/crier.json"
}

install_again() {
  apt_get install /var/tmp/next.deb && cmp "$scratch/edited" "$root/etc/crier/crier.json" &&
    [ ! -L "$root/etc/systemd/system/crier.service" ]
}

purge_leaves_nothing() {
  apt_get purge crier && state >"$scratch/after" && diff "$scratch/before" "$scratch/after"
}

# A user of that name who is not the package's stays; so does a group that has members.
purge_keeps_what_others_use() {
  apt_get install /var/tmp/next.deb && within useradd --system publisher &&
    within usermod -aG crier publisher && apt_get purge crier &&
    ! within getent passwd crier && [ "$(within getent group crier | cut -d: -f4)" = publisher ] &&
    within groupdel crier && within useradd --home-dir /home/crier crier &&
    apt_get install /var/tmp/next.deb && apt_get purge crier && within getent passwd crier &&
    within userdel crier
}

# --- booted --------------------------------------------------------------------------------------
boots() {
  apt_get install --no-install-recommends systemd systemd-sysv dbus && umount "$root/proc" || return
  systemd-nspawn -q -D "$root" --boot --register=no --keep-unit --private-network --console=pipe \
    </dev/null >/dev/null 2>&1 &
  nspawn=$!
  trap 'power_off; rm -rf --one-file-system "$scratch"' EXIT
  for _ in $(seq 300); do
    init=$(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null)
    init=${init%% *}
    case $([ -z "$init" ] || within systemctl is-system-running 2>&1) in running | degraded)
      cp "$package" "$root/var/tmp/crier.deb"
      return ;;
    esac
    sleep 0.2
  done
  echo "has not booted in a minute" && return 1
}

power_off() {
  [ -n "$init" ] && within systemctl poweroff --force
  init=
  kill -TERM "$nspawn" 2>/dev/null
  wait "$nspawn"
}

main_pid() { within systemctl show -P MainPID crier; }

install_starts_it() {
  within apt-get -q -y install /var/tmp/crier.deb && within systemctl is-enabled crier &&
    within systemctl is-active crier && ! within systemctl is-active crier-http.socket &&
    within crier publish news Hello && within crier status && within systemctl reload crier
}

upgrade_restarts_it() {
  local before
  before=$(main_pid)
  apt_get install /var/tmp/next.deb && within systemctl is-active crier &&
    [ "$before" != "$(main_pid)" ] && [ "$(main_pid)" != 0 ] &&
    within crier status --json | grep -o '"history_events": *1,'  # That of before.
}

upgrade_leaves_it_stopped() {
  within systemctl disable --now crier && apt_get install --reinstall /var/tmp/next.deb &&
    [ "$(main_pid)" = 0 ]
}

remove_stops_it_and_its_sockets() {
  within systemctl enable --now crier-http.socket crier-publish.socket crier || return
  within systemctl is-active crier-http.socket && apt_get remove crier &&
    ! within systemctl is-active crier crier-http.socket crier-publish.socket &&
    ! within ls /run/crier/publish.sock
}

remove_restores_what_was_raised_by_hand() {
  local parameter=/proc/sys/net/ipv4/tcp_fin_timeout before
  before=$(within cat "$parameter")
  apt_get install /var/tmp/next.deb && within crier tune --apply
  [ "$(within cat "$parameter")" != "$before" ] && apt_get remove crier &&
    [ "$(within cat "$parameter")" = "$before" ] && ! within ls /run/crier-tuning.json
}

purge_leaves_no_unit_and_no_user() {
  apt_get purge crier && ! within getent passwd crier && ! within getent group crier &&
    ! within find /etc/systemd /var/lib/systemd /run/systemd -name 'crier*' | grep . &&
    ! within find /run /var/lib -maxdepth 1 -name 'crier*' | grep .
}

if [ "$(id -u)" -ne 0 ]; then
  echo "skip  installing, upgrading, removing, purging: run this as root"
elif [ -z "${CRIER_TEST_ROOT-}$release" ]; then
  echo "skip  installing, upgrading, removing, purging: this is no Debian"
elif [ -z "${CRIER_TEST_ROOT-}" ] && [ ! -d "$cache" ] && ! command -v mmdebstrap >/dev/null; then
  echo "skip  installing, upgrading, removing, purging: apt-get install mmdebstrap"
else
  ok "a clean Debian" make_root
  if [ "$failed" -eq 0 ]; then
    state >"$scratch/before"
    ok "installs" install_it
    ok "has a user without a home or a shell" user_is_there
    ok "the service is enabled, its sockets are not" service_alone_is_enabled
    ok "says its version" has_a_version
    ok "its configuration is valid" within crier check /etc/crier/crier.json
    ok "an upgrade keeps what was edited" upgrade_keeps_what_was_edited
    ok "an upgrade does not enable what was disabled" upgrade_leaves_a_disabled_service
    ok "remove keeps the conffile" remove_keeps_the_conffile
    ok "installs again, as it was configured" install_again
    ok "purge leaves nothing" purge_leaves_nothing
    ok "purge keeps a user and a group that others use" purge_keeps_what_others_use
    if command -v systemd-nspawn >/dev/null; then
      ok "boots, with systemd" boots
      ok "an install starts it" install_starts_it
      ok "an upgrade restarts it" upgrade_restarts_it
      ok "an upgrade leaves stopped what is disabled" upgrade_leaves_it_stopped
      ok "remove stops it and its sockets" remove_stops_it_and_its_sockets
      ok "remove restores what was raised by hand" remove_restores_what_was_raised_by_hand
      ok "purge leaves no unit and no user" purge_leaves_no_unit_and_no_user
    else
      echo "skip  in a Debian that has booted: apt-get install systemd-container"
    fi
  fi
fi
