#!/usr/bin/env bash
# Prints the folder that holds Apache Kafka's jars, and fills it first where that was not done for the versions that
# dump_log_segments/pom.xml names; with the argument 3, the same of the older line, which kafka_3/pom.xml names. Needs
# Maven only then. DEV_KAFKA_LIBS and DEV_KAFKA_3_LIBS name folders where they already are.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
if [[ "${1:-}" == 3 ]]; then
  pom="$here/kafka_3/pom.xml" given="${DEV_KAFKA_3_LIBS:-}" kafka="$root/.tools/kafka_3"
else
  pom="$here/dump_log_segments/pom.xml" given="${DEV_KAFKA_LIBS:-}" kafka="$root/.tools/kafka"
fi
version="$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$pom")"

if [[ -n "$given" && -f "$given/kafka-tools-$version.jar" ]]; then
  echo "$given"
  exit
fi

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
