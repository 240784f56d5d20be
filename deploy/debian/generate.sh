#!/bin/sh
# What Debian's package has that is no file of this repository: the manual pages and completions
# that the daemon prints, and what is compressed.
#
#   deploy/debian/generate.sh PATH-OF-CRIER PREFIX         PREFIX: where /usr is, or will be
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
crier=$1
share=$2/share

mkdir -p "$share/man/man1" "$share/man/man5" "$share/doc/crier" \
  "$share/bash-completion/completions" "$share/zsh/vendor-completions"
"$crier" manual >"$share/man/man1/crier.1"
"$crier" config --man >"$share/man/man5/crier.json.5"
cp "$here/changelog" "$share/doc/crier/changelog"
gzip -9nf "$share/man/man1/crier.1" "$share/man/man5/crier.json.5" "$share/doc/crier/changelog"
"$crier" completion bash >"$share/bash-completion/completions/crier"
"$crier" completion zsh >"$share/zsh/vendor-completions/_crier"
