# Runs benchmarks. Sourced by ./dev.

help_bench() {
  cat <<'H'
./dev bench [NAME] [--json]   Measures the release build and prints name, value, unit, goal, and what it was compared with.
  NAME                   Only figures whose name has NAME in it, such as formats/hl7v2 or parse.
  versus/kafka[/PART]    Side by side with Apache Kafka, half an hour; a part of it: idle, start, produce, consume, latency,
                         trickle or behind.
  --json                 One JSON object a line instead of the table.
The *_bench programs stand beside the code; bench/run.py measures the running server. Goals are in bench/goals.tsv.
H
}

cmd_bench() {
  local name='' json=() file module all=() targets=()
  while [ $# -gt 0 ]; do
    case $1 in
      --json) json=(--json) ;;
      -*) usage_error bench "$1" ;;
      *) name=$1 ;;
    esac
    shift
  done
  {
    setup test
    # A release configured before the benchmark library came knows no benchmarks.
    [ ! -f build/release/build.ninja ] || grep -q '^benchmark_DIR:.*/' build/release/CMakeCache.txt || rm -f build/release/build.ninja
    while read -r file; do
      module=${file#src/}
      module=${module%/*}
      all+=("${module//\//_}_bench")
      [[ -z $name || $name != "$module"* && $module != *"$name"* ]] || targets+=("${module//\//_}_bench")
    done < <(find src -name '*_bench.cc' | sort)
    [[ $name != versus/* ]] || targets=(null_broker)
    # A name that no module has is a figure's: any program may have it.
    [ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
    [ ! -f src/app/main.cc ] || { build_console && targets+=(myelin mllp_load sse_latency log_load); }
    [ ${#targets[@]} -eq 0 ] || build release $(printf '%s\n' "${targets[@]}" | sort -u) || die "the benchmarks do not build"
  } >&2
  "$(python_)" tools/dev/bench.py build/release "$name" "${json[@]}"
}
