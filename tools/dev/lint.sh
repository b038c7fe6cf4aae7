# clang-tidy, formatting, and the house's rules. Sourced by ./dev.

help_lint() {
  cat <<'H'
./dev lint [--all]       Formatting and clang-tidy for the C++ files that changed, and the house's rules for the tree.
  --all                  All files.
Changed is what differs from where this branch left origin/main, or from the commit before the last one; what is not
committed counts too. A changed header is checked through the files of its folder that include it.
H
}

help_fmt() {
  cat <<'H'
./dev fmt [--all]        Formats the C++ files that changed (see ./dev lint --help), or all.
H
}

all_sources() { find src tests bench -name '*.cc' -o -name '*.h' 2>/dev/null | grep -v /node_modules/ | sort; }

# The commit to compare with; fails when there is none.
lint_base() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null) || base=''
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD 2>/dev/null)" ]; then
    base=$(git rev-parse --verify -q HEAD~1) || return 1
  fi
  echo "$base"
}

changed_sources() {
  local base
  git rev-parse --git-dir >/dev/null 2>&1 && base=$(lint_base) || { all_sources; return; }
  {
    git diff --name-only --diff-filter=d "$base" -- src tests bench
    git ls-files --others --exclude-standard -- src tests bench
  } | grep -E '\.(cc|h)$' | sort -u
}

# chosen_sources [--all]
chosen_sources() { if [ "${1:-}" = --all ]; then all_sources; else changed_sources; fi; }

cmd_fmt() {
  [ $# -eq 0 ] || [ "$*" = --all ] || usage_error fmt "$1"
  setup test
  local files
  files=$(chosen_sources "${1:-}")
  [ -n "$files" ] || { say "nothing changed"; return; }
  xargs clang-format-19 -i <<<"$files"
  say "formatted $(wc -l <<<"$files") files"
}

cmd_lint() {
  [ $# -eq 0 ] || [ "$*" = --all ] || usage_error lint "$1"
  setup test
  local bad=0
  "$(python_)" tests/house/house_test.py || bad=1
  check_format "${1:-}" || bad=1
  check_tidy "${1:-}" || bad=1
  [ "$bad" = 0 ] || die "lint found something"
  say "nothing found in $((SECONDS - STARTED)) s"
}

check_format() {
  local files
  files=$(chosen_sources "${1:-}")
  [ -n "$files" ] || return 0
  xargs clang-format-19 --dry-run -Werror --ferror-limit=3 <<<"$files" || { say "./dev fmt formats"; return 1; }
  say "formatting: $(wc -l <<<"$files") files as they should be"
}

# The .cc files below src/ through which the chosen files are seen.
tidy_units() {
  local file
  while read -r file; do
    case $file in
      src/*.cc) echo "$file" ;;
      src/*.h) grep -l "#include \"${file#src/}\"" "$(dirname "$file")"/*.cc 2>/dev/null ;;
    esac
  done | sort -u
}

check_tidy() {
  local units
  units=$(chosen_sources "${1:-}" | tidy_units)
  [ -n "$units" ] || { say "clang-tidy: nothing changed"; return 0; }
  build dev myelin_pch_base myelin_pch_io || return 1
  # A file is checked in the form the dev build gives it, so one that it does not build (a new benchmark) is left out.
  units=$(DB=build/dev/compile_commands.json "$(python_)" -c '
import json, os, sys
known = {os.path.relpath(e["file"]) for e in json.load(open(os.environ["DB"]))}
print("\n".join(u for u in sys.stdin.read().split() if u in known))' <<<"$units")
  [ -n "$units" ] || return 0
  xargs -P "$(jobs_)" -n 1 tools/dev/tidy_one <<<"$units" || return 1
  say "clang-tidy: $(wc -l <<<"$units") files without findings"
}
