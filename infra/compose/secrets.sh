#!/bin/sh
# Make every key and password that infra/compose.yaml refers to; what is there stays.
#
#   infra/compose/secrets.sh
#
# They lie in infra/compose/secrets, which git and the image leave out, in a folder that nobody
# else may enter. The containers' users must read them: so the files themselves are readable,
# but for the broker's keys, which fanfold refuses unless they are the user's alone. Run by
# root, that is the image's user; else say RUN_AS=$(id -u) in infra/compose/.env.
#
# To trade at a broker instead of the venue, write its keys into secrets/broker_keys:
#   APCA_API_KEY_ID=…
#   APCA_API_SECRET_KEY=…
set -eu

cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 0700 secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

made() {
  [ ! -e "secrets/$1" ] || return 1
  echo "making secrets/$1" >&2
}

for name in research_token live_token redis_password postgres_password grafana_password; do
  if made "$name"; then
    random >"secrets/$name"
    chmod 0444 "secrets/$name"
  fi
done

if made venue_settings; then
  key=PK$(random | tr '[:lower:]' '[:upper:]' | cut -c 1-18)
  secret=$(random)
  printf 'APCA_API_KEY_ID=%s\nAPCA_API_SECRET_KEY=%s\n' "$key" "$secret" >secrets/broker_keys
  chmod 0400 secrets/broker_keys
  [ "$(id -u)" != 0 ] || chown "${RUN_AS:-10001}" secrets/broker_keys
  cat >secrets/venue_settings <<SETTINGS
host: 0.0.0.0
port: 8765
allow_remote: true
accounts: [{key: $key, secret: $secret, cash: 100000}]
replay: {source: sample, basis: raw, begin: 2012-03-07}
speed: 60
skip_nights: true
journal: /var/lib/fanfold/venue.db
SETTINGS
  chmod 0444 secrets/venue_settings
fi
