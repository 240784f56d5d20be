# shellcheck shell=bash
# Which packages crier needs, and how they get here. Sourced by quickstart.sh and tests/run.sh.
#
# For Debian 12, Debian 13 and Ubuntu 24.04. Installs only what is missing, says what, and asks apt
# for nothing that is only recommended. On another system it says what to install and goes on: the
# build then tells what it lacks.

# To build the daemon. llhttp's package has another name in each release: see llhttp_package.
crier_build_packages=(
  g++ cmake ninja-build pkg-config
  libuv1-dev libspdlog-dev nlohmann-json3-dev prometheus-cpp-dev libsqlite3-dev libnats-dev
  systemtap-sdt-dev
)

# To build and run the tests, beside the above.
crier_test_packages=(
  catch2 python3 git ca-certificates curl iproute2
  clang-19 libclang-rt-19-dev
  nodejs npm chromium
  nginx haproxy caddy openssl php-cli php-curl
  dpkg-dev file lintian man-db groff-base zsh yamllint  # Debian's package, and a manifest.
  mmdebstrap systemd-container                          # Its life; the units on a real systemd.
  strace faketime                                       # Faults.
  nats-server                                           # The journal that nodes share.
)

# Those of them that bring a system service. The tests start these programs themselves.
crier_service_packages=(nginx haproxy caddy nats-server)

# Only tests/run.sh --long.
crier_long_packages=(clang-tidy-19 iproute2 nftables)

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_available() {
  [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# The first of the packages that is installed, else the first that apt knows, else nothing.
first_of() {
  local package
  for package in "$@"; do
    if is_installed "$package"; then echo "$package" && return; fi
  done
  for package in "$@"; do
    if is_available "$package"; then echo "$package" && return; fi
  done
}

# A library (Debian 13), C sources, or the C sources that Node's package brings (Debian 12).
llhttp_package() { first_of libllhttp-dev libllhttp-source node-llhttp; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "To install packages, run this as root, or install sudo." >&2
    return 1
  fi
}

# install_packages PURPOSE PACKAGE…: fails if one that is needed cannot be had.
install_packages() {
  local purpose=$1 package
  local missing=()
  shift
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "Packages $purpose: all installed."
    return
  fi
  echo "Packages $purpose: installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    "${missing[@]}" </dev/null
}

# As install_packages, but no new service is started, neither now nor at the next boot.
install_without_starting() (
  policy=/usr/sbin/policy-rc.d  # Debian's way; an administrator's own stays.
  status=0
  services=()
  for package in "${crier_service_packages[@]}"; do
    is_installed "$package" || services+=("$package")
  done
  if [ ${#services[@]} -gt 0 ] && [ ! -e "$policy" ]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  install_packages "$@" || status=$?
  for package in "${services[@]}"; do
    if is_installed "$package" && command -v systemctl >/dev/null; then
      as_root systemctl --quiet disable "$package" 2>/dev/null
    fi
  done
  return "$status"
)

# prometheus and promtool alone, into .build/prometheus: installing their package would bring 220 MB
# of JavaScript and a service. Without them tests/prometheus skips some cases and says so.
unpack_prometheus() (
  if command -v promtool >/dev/null || [ -x .build/prometheus/usr/bin/promtool ]; then return; fi
  echo "Package for testing, unpacked into .build/prometheus: prometheus"
  mkdir -p .build/prometheus && cd .build/prometheus || return
  apt-get download -q prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb
)

# Lists of packages are fetched only where something is missing: apt-get update is slow.
refresh_package_lists() {
  local package
  for package in "$@"; do
    if ! is_installed "$package"; then
      as_root apt-get update -q </dev/null
      return
    fi
  done
}

require_apt() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian or Ubuntu. Install by hand what these stand for: $*, llhttp." >&2
    return 1
  fi
}

install_build_packages() {
  require_apt "${crier_build_packages[@]}" || return 0
  if [ -z "$(llhttp_package)" ]; then as_root apt-get update -q </dev/null || return; fi
  local packages=("${crier_build_packages[@]}" "$(llhttp_package)")
  if [ -z "${packages[-1]}" ]; then
    echo "apt knows none of libllhttp-dev, libllhttp-source, node-llhttp (Ubuntu: enable" \
      "'universe')." >&2
    return 1
  fi
  refresh_package_lists "${packages[@]}" || return
  install_packages "for building" "${packages[@]}"
}

# install_test_packages [--long]
install_test_packages() {
  local packages=("${crier_test_packages[@]}")
  if [ "${1-}" = --long ]; then packages+=("${crier_long_packages[@]}"); fi
  require_apt "${packages[@]}" || return 0
  refresh_package_lists "${packages[@]}" || return
  local here=() package
  for package in "${packages[@]}"; do
    # Ubuntu has Chromium as a snap only, and its NodeSource users have npm within nodejs: the
    # tests that need one of them say so if it is missing.
    case $package in
      chromium | npm) is_installed "$package" || is_available "$package" || continue ;;
    esac
    if [ "$package" = npm ] && command -v npm >/dev/null; then continue; fi
    here+=("$package")
  done
  install_without_starting "for testing" "${here[@]}" || return
  unpack_prometheus || echo "The package prometheus cannot be had: some tests are skipped." >&2
}

# Builds again faster where ccache happens to be installed; nothing needs it.
use_ccache_if_installed() {
  if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  fi
}
