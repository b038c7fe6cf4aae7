# Runs the tests. Sourced by ./dev.
#
# A runner is an executable tests/<area>/run. It is given the folder of the release build (and --soak, when asked), prints
# what it does, ends with a line "N passed, N failed" or "N passed, N failed, N skipped", and exits non-zero on failure;
# 77 means that all of it was skipped, for the reason printed.

LEGS=(house asan tsan release console lint)
TSAN_MODULES=(log broker bus io)

help_test() {
  cat <<'H'
./dev test               Everything: house rules; all unit tests and fuzz corpora under ASan and UBSan; log, broker, bus and
                         io under TSan; the release build with tests/*/run; the console's tests; lint.
./dev test MODULE…       One module's unit tests in the dev build, such as formats/hl7v2 or log; formats means all of them.
  --filter PATTERN       Only unit tests so named, such as 'Recovery.*'.
  --leg NAME             Only that leg: house, asan, tsan, release (or release/AREA), console, lint. May be repeated.
  --soak                 The long form of the crash and client tests, thousands of seeds in those of the log.
MYELIN_CORPUS=DIR        Real messages that some tests read; without it they say that they are skipped.
H
}

cmd_test() {
  local modules=() legs=() soak=() area='' filter=''
  while [ $# -gt 0 ]; do
    case $1 in
      --soak) soak=(--soak) ;;
      --filter) filter=${2:-}; shift ;;
      --filter=*) filter=${1#*=} ;;
      --leg) legs+=("${2:-}"); shift ;;
      --leg=*) legs+=("${1#*=}") ;;
      -*) usage_error test "$1" ;;
      *) modules+=("${1%/}") ;;
    esac
    shift
  done
  setup test
  COUNTS=$ROOT/.tools/log/counts
  : >"$COUNTS"
  [ -z "$filter" ] || export GTEST_FILTER=$filter
  if [ ${#soak[@]} -gt 0 ]; then
    export MYELIN_MODEL_ROUNDS=${MYELIN_MODEL_ROUNDS:-5000} MYELIN_CRASH_ROUNDS=${MYELIN_CRASH_ROUNDS:-5000}
    export MYELIN_FLIP_ROUNDS=${MYELIN_FLIP_ROUNDS:-10000} MYELIN_FLIP_STRIDE=${MYELIN_FLIP_STRIDE:-1}
  fi
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1}
  export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19 TSAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
  if [ ${#modules[@]} -gt 0 ]; then
    test_modules "${modules[@]}"
  else
    test_legs "${legs[@]}"
  fi
  "$(python_)" tools/dev/counts.py sum "$COUNTS" $((SECONDS - STARTED))
}

test_legs() {
  [ $# -gt 0 ] || set -- "${LEGS[@]}"
  local name
  for name in "$@"; do
    case $name in
      release/*) area=${name#*/}; name=release ;;
      *) [[ " ${LEGS[*]} " == *" $name "* ]] || die "there is no leg \"$name\" (${LEGS[*]})" ;;
    esac
    LEG=$name
    LEG_STARTED=$SECONDS
    printf '\n── %s\n' "$name"
    # In a subshell, so that a leg that gives up does not take the others with it.
    ("leg_$name") || count "$name gave up" 0 1
    count "$name" 0 0 0 $((SECONDS - LEG_STARTED))
  done
}

# count WHAT PASSED FAILED [SKIPPED [SECONDS]]: a line of the tally.
count() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$LEG" "$1" "$2" "$3" "${4:-0}" "${5:-0}" >>"$COUNTS"; }

# built PRESET [TARGET…]: a build that fails is a failed test.
built() {
  build "$@" && return
  count "build $1" 0 1
  return 1
}

# run_ctest PRESET [CTEST ARGUMENT…]: counts the single tests inside the programs.
run_ctest() {
  local folder=build/$1/results
  rm -rf "$folder"
  mkdir -p "$folder"
  GTEST_OUTPUT="json:$ROOT/$folder/" ctest --test-dir "build/$1" -j "$(jobs_)" --output-on-failure --timeout 900 \
    --output-junit "$ROOT/$folder/ctest.xml" "${@:2}" </dev/null | grep -vE '^(Internal ctest|Test project|$)'
  "$(python_)" tools/dev/counts.py ctest "$folder" "$LEG" "$COUNTS"
}

# The named modules that have tests, and all below a name such as formats.
modules_with_tests() {
  local name
  for name in "$@"; do
    find "src/$name" -name '*_test.cc' 2>/dev/null
  done | sed 's|^src/||; s|/[^/]*$||' | sort -u
}

test_modules() {
  local found names
  LEG=dev
  found=$(modules_with_tests "$@")
  [ -n "$found" ] || die "no tests in src/$1 (modules are folders of src/, such as formats/hl7v2)"
  names=$(tr / _ <<<"$found")
  # shellcheck disable=SC2046
  built dev $(sed 's/$/_test/' <<<"$names") || return
  run_ctest dev -R "^($(paste -sd '|' <<<"$names"))\$"
}

leg_house() {
  local log=.tools/log/house.log
  "$(python_)" tests/house/house_test.py 2>&1 | tee "$log"
  count_output house "$log" "${PIPESTATUS[0]}"
}

leg_asan() { built asan && run_ctest asan; }

leg_tsan() {
  local names
  names=$(modules_with_tests "${TSAN_MODULES[@]}" | tr / _)
  [ -n "$names" ] || { echo "nothing to test"; return 0; }
  # shellcheck disable=SC2046
  built tsan $(sed 's/$/_test/' <<<"$names") && run_ctest tsan -R "^($(paste -sd '|' <<<"$names"))\$"
}

leg_release() {
  if [ ! -f src/app/main.cc ]; then
    say "skipped: there is no server yet (src/app/main.cc)"
    count "release build" 0 0 1
    return
  fi
  build_console || count "console build" 0 1
  built release myelin bus_test || return 0  # tests/clients runs bus_test against a Kafka.
  local runner
  for runner in tests/*/run; do
    [ -x "$runner" ] || continue
    [ -z "$area" ] || [ "$runner" = "tests/$area/run" ] || continue
    run_area "$(basename "$(dirname "$runner")")"
  done
}

run_area() {
  local log=.tools/log/test-$1.log started=$SECONDS rc
  printf '\n   tests/%s\n' "$1"
  [ ! -f "tests/$1/package.json" ] || npm_install "tests/$1"
  "tests/$1/run" "$ROOT/build/release" "${soak[@]}" </dev/null 2>&1 | tee "$log"
  rc=${PIPESTATUS[0]}
  count_output "tests/$1" "$log" "$rc"
  say "tests/$1 took $((SECONDS - started)) s"
}

leg_console() {
  local log=.tools/log/test-console.log
  [ -f console/package.json ] || { say "skipped: there is no console yet"; count console 0 0 1; return; }
  npm_install console
  if npm --prefix console run check --if-present </dev/null; then count types 1 0; else count types 0 1; fi
  CI=1 npm --prefix console test </dev/null 2>&1 | tee "$log"
  count_output "console" "$log" "${PIPESTATUS[0]}"
}

# count_output WHAT LOG RC: from the words a runner ends with.
count_output() { "$(python_)" tools/dev/counts.py output "$1" "$2" "$3" "$LEG" "$COUNTS"; }

leg_lint() {
  if check_format; then count format 1 0; else count format 0 1; fi
  if check_tidy; then count clang-tidy 1 0; else count clang-tidy 0 1; fi
}
