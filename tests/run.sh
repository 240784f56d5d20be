#!/usr/bin/env bash
# Builds crier in every way that matters and runs its tests.
#
#   tests/run.sh            everything that guards a change: on two cores some 25 to 33 minutes the
#                           first time, half of it compiling, and 12 minutes once built
#   tests/run.sh --quick    the debug build, all but the slow tests: under a minute once built
#   tests/run.sh --long     the rest as well: each source compiled alone, clang-tidy, more seeds,
#                           longer fuzzing, the proxies' slow cases
#
# Installs the packages that are missing (deploy/packages.sh lists them; asks sudo unless run as
# root). What needs a container of its own (a life of Debian's package, the units on a real systemd)
# is skipped where there is neither root nor a sudo that asks nothing, and says so. Everything it
# writes is in .build/, except what npm puts into tests/clients/node_modules. The last line is
# `N passed, N failed`; ends with 1 unless all passed. A step's whole output is in .build/logs/.
# shellcheck disable=SC2317
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
exec </dev/null
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

mode=${1-}
case $mode in
  "" | --quick | --long) ;;
  *)
    sed -n '2,/^set/{/^# shell/d;/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
    ;;
esac

jobs=$(nproc)
logs=.build/logs
mkdir -p "$logs"
passed=0
failed=0
failures=()
prefix=()  # Before the command of a test with real programs.

# An exact place for the sanitizers' reports to become failures.
export ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1

say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

# count NAME PASSED FAILED LOG
count() {
  passed=$((passed + $2))
  failed=$((failed + $3))
  if [ "$3" -gt 0 ]; then
    failures+=("failed: $1")
    mapfile -t -O ${#failures[@]} failures < <(
      grep -E '^FAIL|: FAILED:|^([0-9]+: )?  (CHECK|REQUIRE)|SUMMARY: ' "$4" |
        cut -c1-400 | head -n 10)
    echo "-- $1: $2 passed, $3 failed; the end of $4:"
    tail -n 60 "$4"
  else
    echo "-- $1: $2 passed"
  fi
}

# one NAME COMMAND…: the command is one test.
one() {
  local name=$1 log=$logs/${1// /_}.log
  shift
  if "$@" >"$log" 2>&1; then count "$name" 1 0 "$log"; else count "$name" 0 1 "$log" && false; fi
}

# Prints --fresh where the folder is of another compiler than the preset, which cmake would keep.
fresh() {
  local wanted cached
  wanted=$(sed -n 's/^set(CMAKE_CXX_COMPILER "\([^"]*\)".*/\1/p' ".cmake/$1.cmake")
  cached=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' ".build/$1/CMakeCache.txt" 2>/dev/null)
  if [ -n "$wanted" ] && [ -n "$cached" ] && [ "${cached##*/}" != "$wanted" ]; then echo --fresh; fi
}

# compile PRESET [TARGET…]
compile() {
  local preset=$1 with_tests=ON
  shift
  [ "$preset" = fuzz ] && with_tests=OFF
  # shellcheck disable=SC2046
  cmake $(fresh "$preset") -G Ninja -C ".cmake/$preset.cmake" -B ".build/$preset" \
    -DCRIER_TESTS="$with_tests" &&
    cmake --build ".build/$preset" -j"$jobs" --target "${@:-all}"
}

# build PRESET [TARGET…]: a build that fails is a failed test, and its tests do not run. Compiling
# is most of the time all this takes, so each build makes only what is run of it.
build() {
  say "build $1"
  one "build $1" compile "$@"
}

# begin NAME COMMAND…: runs the command beside what follows; `ended NAME` waits for it, and has its
# status. For what waits more than it computes and measures no times.
declare -A begun
begin() {
  local name=$1 log=$logs/$1.log
  shift
  "$@" >"$log" 2>&1 &
  begun[$name]=$!
}
ended() { wait "${begun[$1]}"; }
# An interrupt, which the background ignores, ends that as well.
trap 'trap "" TERM; kill 0; exit 130' INT

# Takes only what other processes leave of the processors.
humbly() { renice -n 19 -p "$BASHPID" >/dev/null && "$@"; }

# Sums up what ctest -V or a Catch2 binary printed: each test case counts, a test without cases
# (or one that ended before it could tell) counts as one.
sum_up() {
  awk '
    { test = "" }
    /^[0-9]+: / { test = $1; sub(/^[0-9]+: /, "") }
    /^All tests passed \(/ {
      for (i = 1; i < NF; ++i) if ($(i + 1) == "test") { ok[test] = $i }
      ok[test] += 0
    }
    /^test cases: / {
      for (i = 2; i <= NF; ++i) {
        if ($i ~ /^passed/) ok[test] = $(i - 1)
        if ($i ~ /^failed/) bad[test] = $(i - 1)
      }
    }
    /^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: / {
      match($0, /#[0-9]+/)
      test = substr($0, RSTART + 1, RLENGTH - 1) ":"
      ran[test] = /   Passed +[0-9.]+ sec/ ? 1 : 0
    }
    END {
      for (test in ran) {
        if (!(test in ok) && ran[test]) ok[test] = 1
        if (!ran[test] && !(test in bad)) bad[test] = 1
      }
      for (test in ok) passed += ok[test]
      for (test in bad) failed += bad[test]
      print passed + 0, failed + 0
    }' "$1"
}

# without_aslr COMMAND…: ThreadSanitizer of g++ 12 cannot live with much randomness of addresses.
without_aslr() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then setarch "$(uname -m)" -R "$@"; else "$@"; fi
}

# run_tests PRESET [CTEST-OPTION…]
run_tests() {
  local preset=$1 log=$logs/tests_$1.log good bad status
  shift
  say "tests $preset"
  # One more than processors: many tests wait.
  without_aslr ctest --test-dir ".build/$preset" -V -j"$((jobs + 1))" --timeout 600 \
    --no-tests=error "$@" >"$log" 2>&1
  status=$?
  read -r good bad < <(sum_up "$log")
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  grep -E '^ *[0-9]+/[0-9]+ Test' "$log"
  count "tests $preset" "$good" "$bad" "$log"
}

# The daemon's tests without those that wait for seconds.
quick_daemon_tests() {
  local log=$logs/daemon_quick.log good bad status
  [ -x .build/debug/tests/test_daemon ] || return 0
  say "tests of the daemon, the quick ones"
  CRIER=.build/debug/crier .build/debug/tests/test_daemon '~[slow]' >"$log" 2>&1
  status=$?
  read -r good bad < <(sum_up "$log")
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  count "daemon, quick" "$good" "$bad" "$log"
}

# simulate SEEDS
simulate() {
  local binary=.build/release/tests/test_simulate
  [ -x "$binary" ] || return 0
  say "simulation, $1 seeds"
  one "simulation" env CRIER_SEEDS="$1" "$binary"
}

# fuzz SECONDS: every target on a copy of its corpus, as many at a time as there are cores.
fuzz() {
  say "fuzzing, $1 s each"
  local target name scratch=.build/fuzz_corpus
  mkdir -p "$scratch"
  # shellcheck disable=SC2016
  for target in .build/fuzz/tests/*_fuzz; do basename "$target"; done |
    xargs -P "$jobs" -I{} sh -c 'mkdir -p "$3/{}" "tests/fuzz/corpus/{}"
      .build/fuzz/tests/{} -max_total_time="$1" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$2/" "$3/{}" tests/fuzz/corpus/{} >"$2/{}.log" 2>&1
      echo $? >"$2/{}.status"' sh "$1" "$logs" "$scratch"
  for target in .build/fuzz/tests/*_fuzz; do
    name=$(basename "$target")
    grep -h '^Done ' "$logs/$name.log"
    if [ "$(cat "$logs/$name.status")" = 0 ]; then
      count "$name" 1 0 "$logs/$name.log"
    else
      count "$name" 0 1 "$logs/$name.log"
    fi
  done
}

# run_real NAME [OPTION…]: tests/NAME/run.sh prints a line for each test, `ok`, `FAIL` or `skip`.
run_real() {
  local name=$1
  shift
  "${prefix[@]}" "tests/$name/run.sh" .build/release/crier "$@"
}

# The same as root, if that can be had without asking.
run_real_as_root() {
  local prefix=()
  if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then prefix=(sudo -n); fi
  run_real "$@"
}

# end_real NAME TITLE: waits for tests that were begun, and counts them.
end_real() {
  local name=$1 log=$logs/$1.log good bad status
  say "$2"
  ended "$name"
  status=$?
  grep '^skip' "$log"
  good=$(grep -c '^ok' "$log")
  bad=$(grep -c '^FAIL' "$log")
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  count "$name" "$good" "$bad" "$log"
}

# real NAME TITLE [OPTION…]
real() {
  begin "$1" run_real "$1" "${@:3}"
  end_real "$1" "$2"
}
real_as_root() {
  begin "$1" run_real_as_root "$1" "${@:3}"
  end_real "$1" "$2"
}

finish() {
  say "done"
  [ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# --- packages ------------------------------------------------------------------------------------
say "packages"
if ! install_build_packages || ! install_test_packages "$mode"; then
  count "packages" 0 1 /dev/null
fi
use_ccache_if_installed

# --- what everybody wants to know first ----------------------------------------------------------
if build debug; then
  if [ "$mode" = --quick ]; then
    run_tests debug -E '^daemon'
    quick_daemon_tests
    finish
  fi
  # The second run of the daemon's tests is worth its time where races are seen.
  run_tests debug -E '^daemon_own_tables$'
elif [ "$mode" = --quick ]; then
  finish
fi

# --- the other builds, the likeliest to find something first -------------------------------------
if build tsan crier test_threads test_net test_cmd test_daemon; then
  run_tests tsan -R '^(threads|net|cmd|nats|daemon|daemon_own_tables)$'
fi
mapfile -t fuzz_targets < <(basename -s .cc tests/fuzz/*_fuzz.cc)
if build release crier test_core test_config test_metrics test_broadcast test_simulate \
  bench_load attack_connections attack_heads failing_allocations; then
  # What g++ has not compiled for tsan, and what works on bytes; real clients run the rest.
  run_tests release -R '^(core|config|metrics|broadcast)$'
  simulate "$([ "$mode" = --long ] && echo 50000 || echo 1000)"
  one "capacity model" tests/bench/capacity.py --check
  # These measure times, so nothing runs beside them.
  real interface "the HTTP interface as its page says"
  real attack "attacks beside healthy clients"
  if [ "$mode" = --long ]; then
    real proxies "real proxies, slow ones too" --slow
    real_as_root faults "system calls and allocations that fail" --long
  else
    real proxies "real proxies"
    real faults "system calls and allocations that fail"
  fi
  if [ "$mode" = --long ]; then
    real_as_root journal "the journal, killed and on failing disks" --long
  else
    real_as_root journal "the journal, killed and on failing disks"
  fi
  real_as_root systemd "the units on a real systemd"
  # These mostly wait, for networks, disks and timers, and leave the time to compile.
  begin package run_real_as_root package
  begin compile_fuzz humbly compile fuzz "${fuzz_targets[@]}"
  real prometheus "metrics, alerts and the runbook"
  if [ "$mode" = --long ]; then
    real cluster "nodes and servers that fail" --long
  else
    real cluster "nodes and servers that fail"
  fi
  real clients "real clients"
  real dashboard "the dashboard in a browser"
  end_real package "Debian's package"
  ended compile_fuzz
fi
if build fuzz "${fuzz_targets[@]}"; then
  fuzz "$([ "$mode" = --long ] && echo 300 || echo 15)"
fi

if [ "$mode" = --long ]; then
  say "each source alone"
  # shellcheck disable=SC2016
  one "each source alone" sh -c 'cmake -G Ninja -C .cmake/debug.cmake -B .build/alone \
      -DCMAKE_UNITY_BUILD=OFF && cmake --build .build/alone -j"$1" --target crier' sh "$jobs"
  say "clang-tidy"
  one "clang-tidy" run-clang-tidy-19 -p .build/alone -quiet -j"$jobs" \
    "$PWD/(core|config|metrics|net|broadcast|cmd)/.*"
fi
finish
