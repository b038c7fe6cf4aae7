# Runs fuzz targets. Sourced by ./dev.

help_fuzz() {
  cat <<'H'
./dev fuzz [TARGET…]     Builds and runs the fuzz targets (all, or those whose name has TARGET in it).
  --seconds N            For so long each (60).
  --keep                 Adds the inputs that reached new code to the target's folder src/<module>/corpus/<file>.
  --list                 Names the targets.
An input that crashes a target is left in build/fuzz/found/; put into the corpus folder it stays a test.
H
}

# Lines "target folder corpus" of all targets.
fuzz_targets() {
  local file module stem
  for file in $(find src -name '*_fuzz.cc' | sort); do
    module=${file#src/}
    module=${module%/*}
    stem=$(basename "$file" .cc)
    echo "${module//\//_}_$stem src/$module/corpus/$stem"
  done
}

cmd_fuzz() {
  local seconds=60 keep='' wanted=() chosen failed=0 target corpus
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds) seconds=${2:-}; shift ;;
      --seconds=*) seconds=${1#*=} ;;
      --keep) keep=1 ;;
      --list) fuzz_targets | cut -d ' ' -f 1; return ;;
      -*) usage_error fuzz "$1" ;;
      *) wanted+=(-e "${1//\//_}") ;;
    esac
    shift
  done
  [[ $seconds =~ ^[0-9]+$ ]] || die "--seconds takes a number"
  [ ${#wanted[@]} -gt 0 ] || wanted=(-e '')
  chosen=$(fuzz_targets | grep -F "${wanted[@]}") || die "no such fuzz target (./dev fuzz --list names them)"
  setup test
  # shellcheck disable=SC2046
  build fuzz $(cut -d ' ' -f 1 <<<"$chosen") || die "the fuzz targets do not build"
  while read -r target corpus; do
    fuzz_one "$target" "$corpus" "$seconds" "$keep" || failed=$((failed + 1))
  done <<<"$chosen"
  [ "$failed" = 0 ] || die "$failed targets found something: see build/fuzz/found/"
  say "$(wc -l <<<"$chosen") targets ran $seconds s each and found nothing"
}

fuzz_one() {  # TARGET CORPUS SECONDS KEEP
  local gathered=build/fuzz/gathered/$1 log=.tools/log/fuzz-$1.log rc=0
  mkdir -p "$gathered" build/fuzz/found "$2"
  say "$1: $3 s, from $(find "$2" -type f | wc -l) stored inputs"
  "build/fuzz/$1" -max_total_time="$3" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/found/$1-" \
    "$gathered" "$2" </dev/null >"$log" 2>&1 || rc=$?
  if [ "$rc" != 0 ]; then
    tail -n 40 "$log"
  else
    grep -E '^#[0-9]+.*DONE' "$log" || true
    [ -z "$4" ] || "build/fuzz/$1" -merge=1 "$2" "$gathered" </dev/null >>"$log" 2>&1
  fi
  rmdir "$2" 2>/dev/null || true  # Made for the program; git keeps no empty folder either.
  rmdir "$(dirname "$2")" 2>/dev/null || true
  return "$rc"
}
