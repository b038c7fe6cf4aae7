# Starts the server and the simulated hospital, and stops both in order. Sourced by ./dev.

help_run() {
  cat <<'H'
./dev run [FLAG…]        Builds what changed, then starts the server with its data in ./data and a simulated hospital that
                         sends it HL7. Flags go to the server, such as --http.port=8081. Ctrl-C stops both in order.
H
}

# flag_value NAME DEFAULT ARG…: the value that --NAME has among the arguments.
flag_value() {
  local name=$1 value=$2
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      "--$name="*) value=${1#*=} ;;
      "--$name") value=${2:-} ;;
    esac
    shift
  done
  echo "$value"
}

# Who listens on a TCP port, from the kernel's tables: "name (process N)", or nothing.
port_owner() {
  local hex inode pid
  hex=$(printf '%04X' "$1")
  inode=$(awk -v port=":$hex" 'FNR > 1 && $4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  [ -n "$inode" ] || return 1
  pid=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | sed -n '1s|/proc/\([0-9]*\)/.*|\1|p')
  if [ -n "$pid" ]; then
    echo "$(cat "/proc/$pid/comm") (process $pid)"
  else
    echo "a process of another user"
  fi
}

need_port() {  # NUMBER FLAG DOOR
  [[ $1 =~ ^[0-9]+$ ]] || die "--$2 takes a port number, not \"$1\""
  local owner
  owner=$(port_owner "$1") || return 0
  die "port $1 ($3) is taken by $owner. Stop it, or choose another: ./dev run --$2=$(($1 + 1))"
}

# Status of GET /readyz, without curl.
is_ready() {
  local status
  {
    exec 8<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" >&8
    read -r -t 2 _ status _ <&8
    exec 8<&-
  } 2>/dev/null
  [ "${status:-}" = 200 ]
}

cmd_run() {
  local http kafka mllp data server='' demo='' tries=0
  [ "${1:-}" != -- ] || shift
  http=$(flag_value http.port "${MYELIN_HTTP_PORT:-8080}" "$@")
  kafka=$(flag_value kafka.port "${MYELIN_KAFKA_PORT:-9092}" "$@")
  mllp=$(flag_value mllp.port "${MYELIN_MLLP_PORT:-2575}" "$@")
  data=$(flag_value data "${MYELIN_DATA:-./data}" "$@")
  setup run
  build_release
  need_port "$http" http.port "the console and HTTP"
  need_port "$kafka" kafka.port "Kafka's protocol"
  need_port "$mllp" mllp.port "HL7 over MLLP"

  start build/release/myelin serve "--data=$data" "$@"
  server=$!
  trap 'stop_both "$demo" "$server"; exit 130' INT
  trap 'stop_both "$demo" "$server"; exit 143' TERM HUP
  until is_ready "$http"; do
    kill -0 "$server" 2>/dev/null || { wait "$server"; die "the server ended at start ($?)"; }
    sleep 0.1
    tries=$((tries + 1))
    [ "$tries" != 200 ] || say "still waiting for http://127.0.0.1:$http/readyz (ports from a file are not seen here: say --http.port=N too)"
  done
  start build/release/myelin demo --to "127.0.0.1:$mllp" >.tools/log/demo.log 2>&1
  demo=$!
  where_to_look "$http" "$mllp" "$data"
  wait_for_both
}

# In a process group of its own: Ctrl-C reaches this script alone, which stops what it started in order.
start() {
  set -m
  "$@" </dev/null &
  set +m
}

where_to_look() {
  local to='' url=http://127.0.0.1:$1
  [ "$2" = 2575 ] || to=" --to 127.0.0.1:$2"
  cat <<H

  Myelin is up; a simulated hospital sends it two messages a second (its acknowledgments: .tools/log/demo.log).

  Look      $url/
  Try       curl -N '$url/events/hl7.*?from=earliest'
            printf 'MSH|^~\\&|ME|HERE|MYELIN||20260101120000||ADT^A01|1|P|2.5\rPID|1||42^^^HERE\r' > adt.hl7
            build/release/myelin send adt.hl7$to

  Ctrl-C stops both. The data stays in $3.

H
}

wait_for_both() {
  local code
  while true; do
    sleep 0.3
    if ! kill -0 "$server" 2>/dev/null; then
      wait "$server"
      code=$?
      stop_both "$demo" ""
      say "the server ended ($code)"
      exit "$code"
    fi
    if [ -n "$demo" ] && ! kill -0 "$demo" 2>/dev/null; then
      wait "$demo"
      say "the simulated hospital ended ($?): $(tail -n 1 .tools/log/demo.log)"
      demo=''
    fi
  done
}

stop_both() {  # DEMO SERVER
  trap '' INT TERM HUP
  [ -z "$1" ] || { kill -TERM "$1" && wait "$1"; } 2>/dev/null
  [ -z "$2" ] || { kill -TERM "$2" && wait "$2"; } 2>/dev/null
  [ -z "$2" ] || say "stopped"
}
