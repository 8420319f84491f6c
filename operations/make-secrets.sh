#!/bin/sh
# Makes the secrets that operations/compose.yaml names, once: operations/make-secrets.sh [folder]. What is there stays.
# The files can be read by every container's user; the folder can be entered by its owner alone.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-$here/secrets}
PATH=$here/../node_modules/.bin:$PATH
mkdir -p -m 0700 "$dir"
chmod 0700 "$dir"

secret() { [ -s "$dir/$1" ] || openssl rand -hex 24 > "$dir/$1"; }
for name in processor-password page-password influx-password influx-token grafana-password; do secret "$name"; done

[ -s "$dir/broker.users" ] || node "$here/../broker/src/main.ts" passwd "$dir/broker.users" processor \
  --role host --args millrace --password-file "$dir/processor-password"

chmod 0444 "$dir"/*
echo "The secrets are in $dir. An agent gets its account so:"
echo "  npx millrace-broker passwd $dir/broker.users gateway-1 --role node --args ward/gateway-1"
echo "  then run this again, and: docker compose -f operations/compose.yaml restart broker"
