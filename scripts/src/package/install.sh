#!/bin/sh
# Usage: install.sh [--prefix DIR] [--remove] [TARBALL]
#
# Installs Thymesh from the tarball for this machine, which lies beside this script, after its signature was verified.
# On Debian and Ubuntu install the .deb instead.
#
#   --prefix DIR   below this folder (default: /usr/local)
#   --remove       remove what was installed there; keys and state stay
set -eu
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
prefix=/usr/local remove= tarball=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -gt 1 ] || fail "expected a folder after --prefix"; prefix=$2; shift ;;
    --remove) remove=1 ;;
    --help | -h) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) fail "expected --prefix, --remove or a tarball, got $1" ;;
    *) tarball=$1 ;;
  esac
  shift
done
case $prefix in
  /*) ;;
  *) fail "expected a whole path for --prefix, got $prefix" ;;
esac
list=$prefix/lib/thymesh/files
# Behind /run, where a release puts its own over it. The version before put it into /etc, where it would hide that.
unit=/usr/local/lib/systemd/system/thymesh.service
former_unit=/etc/systemd/system/thymesh.service
wanted=/etc/systemd/system/multi-user.target.wants/thymesh.service

take_away() {
  [ -f "$list" ] || return 0
  while IFS= read -r path; do rm -f -- "$prefix/$path"; done <"$list"
  rm -rf -- "${prefix:?}/lib/thymesh"
  rmdir "$prefix/share/thymesh" "$prefix/share/doc/thymesh" 2>/dev/null || true
}
is_ours() { [ -f "$1" ] && [ ! -h "$1" ] && grep -qxF "ExecStart=$prefix/bin/thymesh node" "$1"; }
is_free() { { [ ! -e "$1" ] && [ ! -h "$1" ]; } || is_ours "$1"; }
# Whether the daemon that runs is a release's: then it goes on.
of_release() {
  case $(readlink /run/systemd/system/thymesh.service || true) in /run/current-system/*) true ;; *) false ;; esac
}
if [ -n "$remove" ]; then
  [ -f "$list" ] || fail "nothing of Thymesh was installed below $prefix"
  if is_ours "$unit" || is_ours "$former_unit"; then
    of_release || systemctl stop thymesh.service || true
    rm -f "$wanted"
    for each in "$unit" "$former_unit"; do if is_ours "$each"; then rm -f "$each"; fi; done
    rmdir /usr/local/lib/systemd/system /usr/local/lib/systemd 2>/dev/null || true
    systemctl daemon-reload || true
  fi
  take_away
  echo "Thymesh is removed from $prefix. The state in /var/lib/thymesh and your keys are still there."
  exit 0
fi

[ "$(uname -s)" = Linux ] || fail "expected Linux, got $(uname -s)"
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) fail "expected a machine of x86_64 or aarch64, got $(uname -m)" ;;
esac
for ld in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do [ ! -e "$ld" ] || glibc=1; done
[ -n "${glibc-}" ] || fail "expected a system with glibc, found none: Alpine and NixOS can't run this tarball"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ -z "$tarball" ]; then
  for each in "$here"/thymesh-*-linux-"$architecture".tar.xz; do tarball=$each; done
fi
[ -f "$tarball" ] || fail "expected the tarball for $architecture beside this script, found none"

public_key='@PUBLIC_KEY@'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What is verified is what is unpacked: nobody can exchange the file meanwhile.
cp -- "$tarball" "$work/tarball"
if [ -n "$public_key" ]; then
  [ -f "$tarball.sig" ] || fail "expected the signature $tarball.sig, found none"
  command -v ssh-keygen >/dev/null || fail "expected ssh-keygen (OpenSSH 8.1 or newer), to verify the signature; found none"
  printf 'thymesh namespaces="thymesh-package" %s\n' "$public_key" >"$work/signers"
  ssh-keygen -Y verify -q -f "$work/signers" -I thymesh -n thymesh-package -s "$tarball.sig" <"$work/tarball" ||
    fail "the signature of $tarball is not one of the key that this script names: nothing was installed"
else
  hash=$(sha256sum "$work/tarball") name=$(basename -- "$tarball")
  while read -r expected file; do
    [ "$file" != "$name" ] || [ "$expected" != "${hash%% *}" ] || found=1
  done <<HASHES
@HASHES@
HASHES
  [ -n "${found-}" ] || fail "the hash of $tarball is not one that this script names: nothing was installed"
fi

mkdir "$work/tree"
tar -xJf "$work/tarball" -C "$work/tree" --strip-components=1 --no-same-owner
"$work/tree/bin/thymesh" --version >/dev/null || fail "its program does not start on this machine: nothing was installed"
mkdir -p "$prefix"
take_away
(cd "$work/tree" && find . ! -type d ! -path './lib/thymesh/*' | sed 's,^\./,,' | sort >lib/thymesh/files)
cp -a "$work/tree/." "$prefix/"
if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && is_free "$unit" && is_free "$former_unit"; then
  mkdir -p "${unit%/*}" 2>/dev/null || unit=$former_unit
  mkdir -p "${wanted%/*}"
  sed "s,@PREFIX@,$prefix," "$prefix/share/thymesh/thymesh.service" >"$unit.new"
  mv "$unit.new" "$unit"
  [ "$unit" = "$former_unit" ] || rm -f "$former_unit"
  ln -sfn "$unit" "$wanted"
  systemctl daemon-reload
  # It starts by itself once the machine has joined a fleet.
  if of_release; then echo "The daemon of a release goes on; this one runs when no release brings one."
  else systemctl restart thymesh.service
  fi
fi
echo "Thymesh $("$prefix/bin/thymesh" --version) is installed below $prefix."
command -v nix >/dev/null || echo "Nix is missing: devices and machines that build need version 2.8 or newer."
