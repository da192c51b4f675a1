#!/bin/sh
# One Ray node, in a container or on a machine of its own, until it is told to stop.
#
#   cluster/node.sh head           a head; it runs no task, and no component of a deployment
#   cluster/node.sh worker HEAD    a worker of the head at this address
#   cluster/node.sh live HEAD      a worker for live trading, which has the resource "live"
#
# The token must be there before, in the file that RAY_AUTH_TOKEN_PATH names: no node starts
# without one. What listens does so on the node's own network, so publish nothing but the
# dashboard, and that on the loopback address of the host (see infra/compose.yaml).
#
#   PROCESSORS           that tasks may take; a head's are 0, a worker's all there are
#   STORE_BYTES          shared memory [bytes]
#   NODE_ADDRESS         the node's own address, where it has several
#   DASHBOARD_HOST       where the head's dashboard listens; the loopback address
#   RAY_REDIS_ADDRESS    of a Redis in which a head keeps what it knows, to find it again
#   REDIS_PASSWORD_FILE  file of its password
#   RAY_TMPDIR           logs and sockets; keep it short
set -eu

role=${1:-}
head=${2:-}
token=${RAY_AUTH_TOKEN_PATH:-}
if [ -z "$token" ] || [ ! -s "$token" ]; then
  echo "fanfold: RAY_AUTH_TOKEN_PATH must name a file with the cluster's token, was '$token'" >&2
  exit 2
fi
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0

case $role in
  head)
    set -- --head --port=6379 --num-cpus="${PROCESSORS:-0}" --ray-client-server-port=10001 \
      --dashboard-host="${DASHBOARD_HOST:-127.0.0.1}" --dashboard-port=8265 \
      --temp-dir="${RAY_TMPDIR:-/tmp/ray}"
    if [ -n "${RAY_REDIS_ADDRESS:-}" ]; then
      : "${REDIS_PASSWORD_FILE:?must name the file of the password, beside RAY_REDIS_ADDRESS}"
      set -- "$@" --redis-password="$(cat "$REDIS_PASSWORD_FILE")"
    fi
    ;;
  worker | live)
    if [ -z "$head" ]; then
      echo "fanfold: node.sh $role must be given the head's address, such as head:6379" >&2
      exit 2
    fi
    set -- --address="$head" --num-cpus="${PROCESSORS:-$(getconf _NPROCESSORS_ONLN)}"
    if [ "$role" = live ]; then
      set -- "$@" --resources='{"live": 1}'
      # All components start at once: none of them takes a processor for long.
      export RAY_worker_maximum_startup_concurrency=8
    fi
    ;;
  *)
    echo "fanfold: node.sh must be told head, worker or live, was told '$role'" >&2
    exit 2
    ;;
esac
[ -z "${NODE_ADDRESS:-}" ] || set -- "$@" --node-ip-address="$NODE_ADDRESS"

# Fixed ports, so that a firewall or a network policy can name them.
exec ray start "$@" --block --disable-usage-stats \
  --object-store-memory="${STORE_BYTES:-500000000}" \
  --node-manager-port=6380 --object-manager-port=6381 --runtime-env-agent-port=6382 \
  --dashboard-agent-listen-port=52365 --dashboard-agent-grpc-port=52366 \
  --metrics-export-port=8080 --min-worker-port=20000 --max-worker-port=20999
