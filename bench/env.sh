# Shared settings; sourced by every script. Nothing here names a machine's own paths.
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
W=${TMPDIR:-/tmp}/mizili-bench          # every install, database and log lives here
export BENCH W
export PGHOST=127.0.0.1 PGPORT=${BENCH_PGPORT:-5499} PGUSER=mizili PGDATABASE=mizili PGSSLMODE=disable
PGBIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
PY=$W/venv/bin/python
DATA=$W/data
PROGRAMS=${CARGO_TARGET_DIR:-$BENCH/../target}/release     # mizili-hub, mizili-edge, mizili-bench
DJANGO_PORT=${DJANGO_PORT:-8401} NODE_PORT=${NODE_PORT:-8402} COUCH_PORT=${COUCH_PORT:-8403}
PROXY_PORT=${PROXY_PORT:-8404} NGINX_PORT=${NGINX_PORT:-8405} HUB_PORT=${HUB_PORT:-8406} EDGE_PORT=${EDGE_PORT:-8407}
export PY DATA PGBIN PROGRAMS DJANGO_PORT NODE_PORT COUCH_PORT PROXY_PORT NGINX_PORT HUB_PORT EDGE_PORT
export JWT_SECRET=${JWT_SECRET:-bench-only-secret-of-at-least-32-bytes}
export DJANGO_SETTINGS_MODULE=settings PYTHONDONTWRITEBYTECODE=1
mkdir -p "$W/logs" "$W/pids"

# start NAME PORT COMMAND...: run in the background, remember the pid, wait for the port.
start() {
  local name=$1 port=$2; shift 2
  "$@" >"$W/logs/$name.log" 2>&1 &
  echo $! >"$W/pids/$name"
  for _ in $(seq "${START_TRIES:-150}"); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return 0
    kill -0 "$(cat "$W/pids/$name")" 2>/dev/null || break
    sleep 0.2
  done
  echo "$name did not open port $port; see $W/logs/$name.log" >&2; return 1
}
# stop NAME: end the process that start began, and wait for it.
stop() {
  local f=$W/pids/$1 pid; [ -f "$f" ] || return 0
  pid=$(cat "$f"); kill "$pid" 2>/dev/null
  for _ in $(seq 400); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  rm -f "$f"
}
