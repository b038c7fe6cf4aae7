#!/usr/bin/env bash
# Builds the crash shim and the program of its own tests into a folder: build.sh OUTDIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:?build.sh OUTDIR}
cxx=${CXX:-clang++-19}
mkdir -p "$out"
flags=(-std=c++20 -g -Wall -Wextra -Wconversion -Wshadow -Werror)
# The shim is loaded into programs of any kind, so it brings no C++ runtime of its own.
shim_flags=(-O2 -fPIC -shared -nostdlib++ -fno-exceptions -fno-rtti -fno-threadsafe-statics
  -fvisibility=hidden -U_FORTIFY_SOURCE -Wl,-z,defs)

is_newest() {
  [[ -e $1 ]] || return 1
  [[ -z $(find "$here" \( -name '*.cc' -o -name '*.h' -o -name build.sh \) -newer "$1") ]]
}

is_newest "$out/libmyelin_crash.so" ||
  "$cxx" "${flags[@]}" "${shim_flags[@]}" -o "$out/libmyelin_crash.so" "$here"/shim*.cc
is_newest "$out/victim" ||
  "$cxx" "${flags[@]}" -O1 -D_FORTIFY_SOURCE=2 -o "$out/victim" "$here/victim.cc" -pthread
