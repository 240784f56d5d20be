#!/usr/bin/env bash
# Builds crier and runs it here, in the foreground, until Ctrl-C.
#
#   deploy/quickstart.sh [what `crier serve` takes, e.g. --set http.listen=0.0.0.0:8080]
#
# Installs the packages that building needs (deploy/packages.sh lists them; asks sudo if you are not
# root) and writes only to .build/release in this tree. The daemon runs as the user who runs this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

install_build_packages
use_ccache_if_installed
cmake -G Ninja -C .cmake/release.cmake -B .build/release -DCRIER_TESTS=OFF
cmake --build .build/release --target crier -j"$(nproc)"
exec .build/release/crier serve "$@"
