# shellcheck shell=sh
# What the tests with real programs begin with. Sourced.

# find_crier HERE [PATH]: sets $crier to the daemon to test, absolute.
find_crier() {
  crier=${2:-$1/../../.build/release/crier}
  if [ ! -x "$crier" ]; then
    echo "no daemon at $crier: build it, or name it as the first argument" >&2
    exit 1
  fi
  crier=$(realpath "$crier")
}

# need PACKAGES TOOL…: the packages bring the tools.
need() {
  packages=$1
  shift
  for tool in "$@"; do
    if ! command -v "$tool" >/dev/null; then
      echo "$tool is missing: apt-get install $packages" >&2
      exit 1
    fi
  done
}

# The JavaScript that clients and proxies share. A lock file would name the hosts of one registry.
npm_install() {
  npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error >&2
}
