# Builds. Sourced by ./dev.

help_build() {
  cat <<'H'
./dev build              Builds the console and the server (release): build/release/myelin
DEV_JOBS=N               So many compilers at once (otherwise as many as cores and memory allow).
H
}

cmd_build() {
  [ $# -eq 0 ] || usage_error build "$1"
  setup run
  build_release
  say "built build/release/myelin in $((SECONDS - STARTED)) s"
}

build_release() {
  build_console || die "the console does not build"
  [ -f src/app/main.cc ] || die "there is no server yet: src/app/main.cc is missing"
  build release myelin || die "the server does not build"
}

# configure PRESET: unless it is; ninja itself sees changed CMake files and new sources.
configure() {
  local home log=.tools/log/cmake-$1.log
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "build/$1/CMakeCache.txt" 2>/dev/null)
  [ -z "$home" ] || [ "$home" = "$ROOT" ] || rm -rf "build/$1"
  [ -f "build/$1/build.ninja" ] && return
  step "configuring build/$1" "cmake-$1" cmake --preset "$1" || { say "CMake's words are in $log"; return 1; }
}

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  configure "$preset" || return 1
  export NINJA_STATUS='[%f/%t %es] '
  if [ -t 1 ]; then
    ninja -k 20 -j "$(jobs_)" -C "build/$preset" "$@"
  else
    ninja -k 20 -j "$(jobs_)" -C "build/$preset" "$@" 2>&1 | ninja_progress
    return "${PIPESTATUS[0]}"
  fi
}

# A line each twentieth of the way, and everything that is not progress.
ninja_progress() {
  local line said=0
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\ [^]]*\] ]]; then
      local n=${BASH_REMATCH[1]} of=${BASH_REMATCH[2]}
      if [ $((20 * n / of)) -gt "$said" ]; then
        said=$((20 * n / of))
        printf '%s\n' "$line"
      fi
    elif [[ $line != 'ninja: Entering directory'* ]]; then
      printf '%s\n' "$line"
    fi
  done
}

# build_console: when its sources, its packages or Node changed. CMake takes console/dist into the server.
build_console() {
  [ -f console/package.json ] || return 0
  local content
  content=$(find console -type f -not -path '*/node_modules/*' -not -path 'console/dist/*' -print0 | sort -z | xargs -0 sha256sum)
  stamped console "${NODE_PIN[@]}" "$content" && [ -d console/dist ] && return
  npm_install console
  step "building the console" console npm --prefix console run build || return 1
  stamp console "${NODE_PIN[@]}" "$content"
}
