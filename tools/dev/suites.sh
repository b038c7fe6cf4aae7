# Runs the test suites of others against the server. Sourced by ./dev.

help_suites() {
  cat <<'H'
./dev suites [librdkafka] [TEST…]   librdkafka's own tests against the release build, or only those with these numbers
                         (0018) or names. A table: test, result, subtests that ran, time. tests/suites/librdkafka.tsv
                         says what each needs and must show.
  --ci                   The part that ./dev test runs.
  --jobs N               So many at once (otherwise as many as cores, at most 4).
  --peer kafka           The same against Apache Kafka, which is the yardstick.
H
}

cmd_suites() {
  local arguments=() peer=myelin
  [ "${1:-}" != librdkafka ] || shift
  while [ $# -gt 0 ]; do
    case $1 in
      --ci) arguments+=(--ci) ;;
      --jobs | --peer) arguments+=("$1" "${2:-}"); [ "$1" != --peer ] || peer=${2:-}; shift ;;
      --jobs=* | --peer=*) arguments+=("$1"); [ "${1%%=*}" != --peer ] || peer=${1#*=} ;;
      [0-9]*) arguments+=("$1") ;;
      *) usage_error suites "$1" ;;
    esac
    shift
  done
  setup test
  [ "$peer" = kafka ] || build_release
  MYELIN_BIN=$ROOT/build/release/myelin "$DEV_PYTHON" -B tests/suites/librdkafka.py --librdkafka .tools/librdkafka \
    "${arguments[@]}"
}
