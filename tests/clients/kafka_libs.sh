#!/usr/bin/env bash
# Prints the folder that holds Apache Kafka's jars, and fills it first where that was not done for the versions that
# dump_log_segments/pom.xml names. Needs Maven only then. DEV_KAFKA_LIBS names a folder where they already are.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
pom="$here/dump_log_segments/pom.xml"
version="$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$pom")"

if [[ -n "${DEV_KAFKA_LIBS:-}" && -f "$DEV_KAFKA_LIBS/kafka-tools-$version.jar" ]]; then
  echo "$DEV_KAFKA_LIBS"
  exit
fi

kafka="$root/.tools/kafka"
libs="$kafka/libs"
wanted="$(sha256sum < "$pom" | cut -d' ' -f1)"
mkdir -p "$kafka"
exec 9> "$kafka/lock"
flock 9  # Two tests may start at once.
if [[ "$(cat "$libs/.stamp" 2> /dev/null || true)" != "$wanted" ]]; then
  command -v mvn > /dev/null || { echo "kafka_libs.sh: mvn is missing (Debian package: maven)" >&2; exit 1; }
  rm -rf "$libs" "$libs.new"
  mvn -q -B -f "$pom" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$libs.new" >&2
  echo "$wanted" > "$libs.new/.stamp"
  mv "$libs.new" "$libs"
fi
echo "$libs"
