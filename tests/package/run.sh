#!/usr/bin/env bash
# Debian's package of crier: built, looked at, and in a clean Debian installed, upgraded, removed
# and purged, without systemd and with. Needs a release build, dpkg-dev, file, lintian, man-db
# and groff-base; for the clean Debian root, systemd-container, and mmdebstrap, which makes it in
# .build the first time.
#
#   tests/package/run.sh [PATH-OF-CRIER]     in its build directory, the one to package
#
# CRIER_TEST_ROOT=DIRECTORY names a clean Debian that is there already: copied, not changed.
# Prints one line a case, `ok` or `FAIL` (`skip` with the reason), then a count; ends with 1 if
# anything failed. Takes 80 seconds, and a minute more where mmdebstrap has to make the root, once.
# shellcheck disable=SC2317
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/support/real.sh
. "$here/../support/real.sh"
find_crier "$here" "$@"
need "cmake dpkg-dev file lintian man-db groff-base" \
  cpack dpkg-deb dpkg-shlibdeps file lintian man groff
build=$(cd "$(dirname "$crier")" && pwd)
container=$here/../../deploy/container
scratch=$(mktemp -d)
root=$scratch/root
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C.UTF-8
passed=0
failed=0

# ok NAME COMMAND…: one case; what the command prints is shown if it fails.
ok() {
  local name=$1
  shift
  if "$@" >"$scratch/said" 2>&1; then
    echo "ok    $name"
    passed=$((passed + 1))
  else
    echo "FAIL  $name"
    sed 's/^/      /' "$scratch/said"
    failed=$((failed + 1))
  fi
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

# --- the package ---------------------------------------------------------------------------------
make_package() {
  (cd "$build" && cpack -G DEB -B "$scratch") &&
    package=$(ls "$scratch"/crier_*.deb) && dpkg-deb -x "$package" "$scratch/tree"
}

has_no_complaints() {
  local said
  said=$(lintian --allow-root --fail-on=error,warning --tag-display-limit=0 "$package") || {
    echo "$said"
    return 1
  }
  if [ -n "$said" ]; then echo "$said" && return 1; fi
}

# Files, their modes and owners, as `dpkg-deb -c` has them.
contents() {
  dpkg-deb -c "$package" | awk '$1 !~ /^d/ { print $1, $2, substr($6, 2) }' |
    grep -v ' /usr/share/doc/crier/examples/'
}

has_these_files() {
  diff -u - <(contents) <<'LIST'
-rw-r--r-- root/root /etc/crier/crier.json
-rwxr-xr-x root/root /usr/bin/crier
-rw-r--r-- root/root /usr/lib/systemd/system/crier-http.socket
-rw-r--r-- root/root /usr/lib/systemd/system/crier-publish.socket
-rw-r--r-- root/root /usr/lib/systemd/system/crier.service
-rw-r--r-- root/root /usr/lib/sysusers.d/crier.conf
-rw-r--r-- root/root /usr/share/bash-completion/completions/crier
-rw-r--r-- root/root /usr/share/crier/bpftrace/accepts.bt
-rw-r--r-- root/root /usr/share/crier/bpftrace/batches.bt
-rw-r--r-- root/root /usr/share/crier/bpftrace/blocked-writes.bt
-rw-r--r-- root/root /usr/share/crier/bpftrace/first-byte.bt
-rw-r--r-- root/root /usr/share/crier/bpftrace/gaps.bt
-rw-r--r-- root/root /usr/share/crier/bpftrace/slow-streams.bt
-rw-r--r-- root/root /usr/share/crier/bpftrace/stream-ends.bt
-rw-r--r-- root/root /usr/share/crier/bpftrace/topics.bt
-rw-r--r-- root/root /usr/share/doc/crier/CHANGELOG.md
-rw-r--r-- root/root /usr/share/doc/crier/README.operating.md
-rw-r--r-- root/root /usr/share/doc/crier/README.systemd.md
-rw-r--r-- root/root /usr/share/doc/crier/changelog.gz
-rw-r--r-- root/root /usr/share/doc/crier/copyright
-rw-r--r-- root/root /usr/share/doc/crier/runbook.md
-rw-r--r-- root/root /usr/share/man/man1/crier.1.gz
-rw-r--r-- root/root /usr/share/man/man5/crier.json.5.gz
-rw-r--r-- root/root /usr/share/man/man7/crier-http.7.gz
-rw-r--r-- root/root /usr/share/man/man7/crier-metrics.7.gz
-rw-r--r-- root/root /usr/share/man/man7/crier-runbook.7.gz
-rw-r--r-- root/root /usr/share/zsh/vendor-completions/_crier
LIST
}

has_examples() {
  local name
  for name in README.md crier.schema.json page.html proxies/may_subscribe.py \
    proxies/nginx-auth.conf drop-ins/million.conf prometheus/alerts.yml \
    prometheus/alerts_test.yml grafana/dashboard.json grafana/README.md; do
    [ "$(stat -c %a "$scratch/tree/usr/share/doc/crier/examples/$name")" = 644 ] || return
  done
}

# Names of files and folders in backquotes, and the targets of links, if they are relative or
# below /usr; the section of a page does not count. A name without a slash counts if its ending is
# that of a document or an example; text/… is a type of content.
# shellcheck disable=SC2016
paths_in() {
  grep -oE '\]\([^)]+\)|`[^`]+`' "$1" | sed 's/^](//; s/^`//; s/[)`]$//; s/#.*//' |
    grep -E '^(/usr/|[[:alnum:].])[[:alnum:]_./-]*$' | grep -v '^text/' |
    grep -E '/|\.(md|conf|cfg|yml|json|html|py|sh)$'
}

pages_name_what_there_is() {
  local page path count=0 missing=0 tree=$scratch/tree
  while read -r page; do
    while read -r path; do
      count=$((count + 1))
      case $path in
      /*) [ -e "$tree$path" ] ;;
      *) [ -e "${page%/*}/$path" ] ;;
      esac || { echo "${page#"$tree"}: there is no $path" && missing=1; }
    done < <(paths_in "$page")
  done < <(find "$tree/usr/share/doc/crier" -name '*.md')
  [ "$missing" -eq 0 ] && [ "$count" -ge 20 ]
}

directories_are_for_everybody() {
  ! dpkg-deb -c "$package" | grep '^d' | grep -v '^drwxr-xr-x root/root '
}

# Of CMake's project, the binary, the changelog and the manual page. Each is read to its end: with
# pipefail, a reader that stops early fails the whole pipe when the writer notices.
versions_agree() {
  local version share=$scratch/tree/usr/share
  version=$(dpkg-deb -f "$package" Version)
  [ "$("$crier" --version)" = "crier $version" ] &&
    [ "$(zcat "$share/doc/crier/changelog.gz" | sed -n '1s/ [^ ]*;.*//p')" = "crier ($version)" ] &&
    zcat "$share/man/man7/crier-http.7.gz" | grep -c "^.TH .*\"crier $version\""
}

knows_its_libraries() {
  dpkg-deb -f "$package" Depends | grep 'libc6 (>= .*libsqlite3-0.*libuv1' &&
    dpkg-deb -f "$package" Suggests | grep '^libnats'
}

# Debuggers find them by the build id.
symbols_are_of_the_binary() {
  local id
  id=$(readelf -n "$scratch/tree/usr/bin/crier" | sed -n 's/.*Build ID: //p')
  [ -n "$id" ] && dpkg-deb -c "$scratch"/crier-dbgsym_*.ddeb |
    grep "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug$"
}

# In the stripped binary, as in the scripts that come with it.
probes_are_as_documented() {
  "$here/probes.py" "$scratch/tree/usr/bin/crier" "$scratch"/tree/usr/share/crier/bpftrace/*.bt
}

# Compiles each script against the packaged binary, which runs nothing.
bpftrace_compiles_scripts() {
  local script
  for script in "$scratch"/tree/usr/share/crier/bpftrace/*.bt; do
    sed "s#/usr/bin/crier#$scratch/tree&#" "$script" >"$scratch/script.bt"
    bpftrace -d "$scratch/script.bt" >"$scratch/compiled" 2>&1 || {
      echo "$script" && tail -n 5 "$scratch/compiled"
      return 1
    }
  done
}

# Without a warning of groff or of man, and not empty.
page_reads_well() {
  local page=$scratch/tree/usr/share/man/$1
  zcat "$page" >"$scratch/page" &&
    groff -man -ww -z -K utf8 -Tutf8 "$scratch/page" 2>"$scratch/warnings" &&
    man --warnings -E UTF-8 -l -Tutf8 "$page" >"$scratch/read" 2>>"$scratch/warnings" || return
  cat "$scratch/warnings"
  [ ! -s "$scratch/warnings" ] && [ "$(wc -l <"$scratch/read")" -gt 100 ]
}

# Reads the completions like a shell, and types `crier se` and a tab.
bash_completes() {
  local file=$scratch/tree/usr/share/bash-completion/completions/crier
  # shellcheck disable=SC2016
  bash -n "$file" && bash --norc -uec '. "$1"; COMP_WORDS=(crier se) COMP_CWORD=1; _crier
    [ "${COMPREPLY[*]}" = serve ]' bash "$file"
}

zsh_completes() { zsh -n "$scratch/tree/usr/share/zsh/vendor-completions/_crier"; }

keeps_events() { grep -c '^    "kind": "sqlite",$' "$scratch/tree/etc/crier/crier.json"; }

scripts_are_scripts() {
  local script
  dpkg-deb -e "$package" "$scratch/control" || return
  for script in postinst prerm postrm; do
    [ -x "$scratch/control/$script" ] && sh -n "$scratch/control/$script" || return
  done
  [ "$(cat "$scratch/control/conffiles")" = /etc/crier/crier.json ]
}

manifest_is_for_crier() {
  yamllint -d '{extends: default, rules: {line-length: {max: 100}}}' "$container/kubernetes.yaml" &&
    sed -n '/crier.json: |/,/^---/{/^    /p}' "$container/kubernetes.yaml" >"$scratch/crier.json" &&
    "$crier" check "$scratch/crier.json"
}

ok "cpack makes a package" make_package
[ "$failed" -eq 0 ] || finish
echo "      $(basename "$package"), $(stat -c %s "$package") bytes"
ok "lintian has no complaints" has_no_complaints
ok "files, modes and owners" has_these_files
ok "examples" has_examples
ok "pages name files of the package" pages_name_what_there_is
ok "directories are for everybody to read" directories_are_for_everybody
ok "one version everywhere" versions_agree
ok "depends on what it is linked to" knows_its_libraries
ok "its configuration keeps events over a restart" keeps_events
ok "conffile, and scripts that a shell reads" scripts_are_scripts
ok "symbols are a package of their own" symbols_are_of_the_binary
ok "probes are as documented" probes_are_as_documented
if command -v bpftrace >/dev/null && bpftrace -d -e 'BEGIN { exit(); }' >/dev/null 2>&1; then
  ok "bpftrace compiles its scripts" bpftrace_compiles_scripts
else
  echo "skip  bpftrace compiles its scripts: bpftrace is not installed, or may not be used here"
fi
ok "crier(1) reads well" page_reads_well man1/crier.1.gz
ok "crier.json(5) reads well" page_reads_well man5/crier.json.5.gz
ok "crier-http(7) reads well" page_reads_well man7/crier-http.7.gz
ok "crier-metrics(7) reads well" page_reads_well man7/crier-metrics.7.gz
ok "crier-runbook(7) reads well" page_reads_well man7/crier-runbook.7.gz
ok "bash completes" bash_completes
if command -v zsh >/dev/null; then
  ok "zsh reads its completions" zsh_completes
else
  echo "skip  zsh reads its completions: zsh is not installed"
fi

if command -v yamllint >/dev/null; then
  ok "the Kubernetes manifest, and the configuration in it" manifest_is_for_crier
else
  echo "skip  the Kubernetes manifest: yamllint is not installed"
fi

# --- in a clean Debian ---------------------------------------------------------------------------
# shellcheck source=tests/package/lifetime.sh
. "$here/lifetime.sh"
finish
