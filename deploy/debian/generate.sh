#!/bin/sh
# Makes the files of Debian's package that are not in this repository: the manual pages and
# completions that crier prints, compressed files, and pages with the paths of the package.
#
#   deploy/debian/generate.sh PATH-OF-CRIER PREFIX ETC     where /usr and /etc are, or will be
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
crier=$1
share=$2/share
version=$("$crier" --version)

mkdir -p "$share/man/man1" "$share/man/man5" "$share/man/man7" "$share/doc/crier" \
  "$share/bash-completion/completions" "$share/zsh/vendor-completions"
"$crier" manual >"$share/man/man1/crier.1"
"$crier" manual config >"$share/man/man5/crier.json.5"
"$crier" manual http >"$share/man/man7/crier-http.7"
"$crier" manual metrics >"$share/man/man7/crier-metrics.7"
"$crier" manual runbook >"$share/man/man7/crier-runbook.7"
# A daemon that was installed keeps events over a restart; the built-in default does not.
sed -i 's/"kind": "memory"/"kind": "sqlite"/' "$3/crier/crier.json"
sed "1s/VERSION/${version#crier }/" "$here/changelog" >"$share/doc/crier/changelog"
# Pages name files as they are in this repository; in the package, most are among the examples, and
# of a link to a page that it lacks only the text remains.
# shellcheck disable=SC2016
sed -i -e 's#\([`(]\)systemd/README\.md#\1README.systemd.md#g; s#`systemd/drop-ins/#`drop-ins/#g' \
  -e 's#\([`(]\)\(cluster\|drop-ins\|grafana\|prometheus\|proxies\)/#\1examples/\2/#g' \
  -e 's#\([`(]\)operating\.md#\1README.operating.md#g' \
  -e 's#\[\([^]]*\)\](\(\.\./\|container/\|http\.md\)[^)]*)#\1#g' "$share/doc/crier/"*.md
gzip -9nf "$share/man/man1/crier.1" "$share/man/man5/crier.json.5" "$share/man/man7/crier-http.7" \
  "$share/man/man7/crier-metrics.7" "$share/man/man7/crier-runbook.7" "$share/doc/crier/changelog"
"$crier" completion bash >"$share/bash-completion/completions/crier"
"$crier" completion zsh >"$share/zsh/vendor-completions/_crier"
