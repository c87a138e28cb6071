#!/bin/sh
# Runs a program alone with its own network, mounts and processes, until it ends or this script's input does.
# Then all of them are gone, and so are the control groups and the folder named.
# Usage: launch.sh GROUPS FOLDER PROGRAM [ARGUMENT...]; GROUPS are directories, separated by spaces.
set -u
# Who presses Ctrl-C ends the command that holds our input. Nobody may read what we say then, such as that a child was killed.
trap '' INT TERM HUP PIPE
groups=$1
folder=$2
shift 2
exec 4<&0
# The machine's own state of systemd-nspawn must not be among that of this computer's machines.
# shellcheck disable=SC2016 # expanded inside
setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
  sh -c 'ip link set lo up && mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && exec "$@"' sh "$@" \
  </dev/null 4<&- &
child=$!
{
  cat <&4
  kill -KILL "$child"
} >/dev/null 2>&1 &
watcher=$!
wait "$child"
code=$?
kill "$watcher" 2>/dev/null
tries=0
for group in $groups; do
  while [ -d "$group" ] && [ "$tries" -lt 100 ]; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$group" ] || break
    # Its last processes are on their way out.
    tries=$((tries + 1))
    sleep 0.1
  done
done
rm -rf -- "$folder"
exit "$code"
