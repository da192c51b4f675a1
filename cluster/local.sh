#!/bin/sh
# A Ray head on this machine that asks for a token, until Ctrl-C or a kill of this script's pid.
#
#   cluster/local.sh [PROCESSORS]
#   RAY_AUTH_MODE=token fanfold submit configs/sweep.yaml --address http://127.0.0.1:8265 --wait
#
# The dashboard and the job server listen on the loopback interface only. Ray's own ports
# listen on all of them, whatever it is told: there the token is what protects.
#
#   FIRST_PORT           moves all ports, to stand beside another head: dashboard here, others above
#   RAY_AUTH_TOKEN_PATH  file of the token; made if it is not there
#   RAY_TMPDIR           logs and sockets; keep it short
set -eu

bin=${FANFOLD_BIN:-$(cd "$(dirname "$0")/.." && pwd)/.venv/bin}
export PATH="$bin:$PATH"  # a job's `python` is looked for there
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0

token=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
if [ -z "${RAY_AUTH_TOKEN:-}" ] && [ ! -s "$token" ]; then
  mkdir -p "$(dirname "$token")"
  (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$token")
fi

dashboard=${FIRST_PORT:-8265}
first=${FIRST_PORT:-28265}
exec ray start --head --block --disable-usage-stats \
  --num-cpus="${1:-$(getconf _NPROCESSORS_ONLN)}" --object-store-memory=500000000 \
  --temp-dir="${RAY_TMPDIR:-/tmp/fanfold-ray}" \
  --dashboard-host=127.0.0.1 --dashboard-port="$dashboard" \
  --port=$((first + 1)) --node-manager-port=$((first + 2)) --object-manager-port=$((first + 3)) \
  --runtime-env-agent-port=$((first + 4)) --dashboard-agent-listen-port=$((first + 5)) \
  --dashboard-agent-grpc-port=$((first + 6)) --metrics-export-port=$((first + 7)) \
  --ray-client-server-port=$((first + 8)) \
  --min-worker-port=$((first + 10)) --max-worker-port=$((first + 99))
