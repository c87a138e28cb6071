#!/bin/sh
# Runs the start script of a NixOS machine in its folder, which is the current one, and keeps a part of what its console prints.
# Usage: run-qemu.sh PROGRAM
set -eu
rm -f screen.pipe qmp.sock
mkfifo -m 600 screen.pipe
{
  head -c 1048576
  exec cat >/dev/null
} <screen.pipe >screen.log &
exec "$1" . </dev/null >screen.pipe 2>&1
