#!/bin/sh
# Keeps one virtual machine on, in mounts, processes and a network of its own: mounts its disk and its root, sets up its network,
# and starts it again when it has rebooted. It ends when the machine is shut down.
# Usage: vm-keep.sh DISK DIRECTORY LOG ADDRESS/LENGTH GATEWAY [OVERLAY_OPTIONS AT]... -- [NSPAWN_ARGUMENT]...
# VM_CGROUPS names directories of control groups, separated by spaces.
set -eu
disk=$1
directory=$2
log=$3
address=$4
gateway=$5
shift 5
for group in $VM_CGROUPS; do echo $$ >"$group/cgroup.procs"; done
mount -o loop,noatime "$disk" "$directory"
while [ "$1" != -- ]; do
  mount -t overlay overlay -o "$1" "$2"
  shift 2
done
shift
# The state of systemd-nspawn must not be among that of this computer's machines.
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
# Its console, of which a part is kept: it may print without end.
mkfifo /run/systemd/console
{
  head -c 1048576
  exec cat >/dev/null
} </run/systemd/console >"$log" &
exec >/run/systemd/console 2>&1
# What was printed last is written before all here ends.
trap 'code=$?; exec >/dev/null 2>&1; wait; exit $code' EXIT
ip link set lo up
# The cable comes from outside.
tries=0
until ip link show eth0 >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || exit 1
  sleep 0.1
done
ip address add "$address" dev eth0
ip link set eth0 up
ip route add default via "$gateway"
while :; do
  code=0
  systemd-nspawn "$@" || code=$?
  # What nspawn says of a machine that reboots, where it is told to keep its unit.
  [ "$code" = 133 ] || exit "$code"
done
