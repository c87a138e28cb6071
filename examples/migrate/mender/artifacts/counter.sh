#!/bin/sh
# Counts visitors: what Mender's artifact of the type `single-file` or `directory` brought to /opt/counter.
set -eu
count=$(cat /var/lib/counter/count 2>/dev/null || echo 0)
mkdir -p /var/lib/counter
while :; do
  count=$((count + 1))
  echo "$count" >/var/lib/counter/count
  sleep 5
done
