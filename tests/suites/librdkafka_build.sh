#!/usr/bin/env bash
# Fetches librdkafka with its tests from npm and builds both: librdkafka_build.sh PACKAGE@VERSION INTEGRITY FOLDER
#
# The package of Node's client holds librdkafka's whole tree, which no package without the tests' sources does. FOLDER is
# replaced once all is built. Needs npm, clang-19, make, OpenSSL's and RapidJSON's headers; takes ccache where it is.
set -euo pipefail
package=$1 integrity=$2 folder=$3
work=$folder.new
rm -rf "$work"
mkdir -p "$work"
cd "$work"

tarball=$(npm pack --silent --ignore-scripts "$package" | tail -n 1)
found=sha512-$(sha512sum "$tarball" | cut -d' ' -f1 | python3 -c 'import base64, sys
print(base64.b64encode(bytes.fromhex(sys.stdin.read())).decode())')
if [ "$found" != "$integrity" ]; then
  echo "$package is $found and should be $integrity" >&2
  exit 1
fi
tar -xzf "$tarball" --strip-components=3 package/deps/librdkafka
rm "$tarball"

export CC=clang-19 CXX=clang++-19
if command -v ccache >/dev/null; then
  CC="ccache $CC" CXX="ccache $CXX"
fi
# Debian's RapidJSON has a function that clang refuses as soon as it reads it, and nobody calls: read templates when used.
./configure --no-download --no-cache --disable-gssapi --disable-curl --disable-debug-symbols --disable-optimization \
  --CXXFLAGS="-std=c++17 -fdelayed-template-parsing"
for wanted in SSL RAPIDJSON SOCKEM ZSTD ZLIB SNAPPY; do
  grep -q "^WITH_$wanted=[[:space:]]*y" Makefile.config || { echo "configured without $wanted" >&2; exit 1; }
done
jobs=${DEV_JOBS:-$(nproc)}
# The library as fast as clients use it; the tests themselves are only compiled fast.
sed -i 's/ -O0 / -O1 /' Makefile.config
make -j"$jobs" libs
sed -i 's/ -O1 / -O0 /' Makefile.config
make -j"$jobs" -C tests build
find . -name '*.o' -delete
test -x tests/test-runner
rm -rf "$folder"
mv "$work" "$folder"
