#!/bin/sh
# add-join-token IMAGE TOKEN-FILE [NAME [SITE]]: puts a join token into an image that a device then joins the fleet with.
#
# Raw disks and SD cards: a file on the first FAT partition. ISOs: a file beside theirs. Images in the Nix store can be
# read by everyone and aren't changed: copy one first. Without NAME each device is named after its machine ID.
#
# Needs sfdisk and mtools, for ISOs xorriso.
set -eu
umask 077
fail() { echo "add-join-token: $*" >&2; exit 1; }
[ $# -ge 2 ] && [ $# -le 4 ] || { echo 'usage: add-join-token IMAGE TOKEN-FILE [NAME [SITE]]' >&2; exit 2; }
image=$1 tokenFile=$2 name=${3:-} site=${4:-}
[ -f "$image" ] || fail "expected an image, there is no file $image"
[ -s "$tokenFile" ] || fail "expected a file with a join token, got $tokenFile"
case $(readlink -f -- "$image") in /nix/store/*) fail "$image is in the Nix store, where everyone could read the token; copy it first" ;; esac
token=$(tr -d '[:space:]' <"$tokenFile")
case $token in thymesh-join-*) ;; *) fail "$tokenFile has no join token; expected thymesh-join-…, as \`thymesh token\` prints it" ;; esac
label='^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
for word in "$name" "$site"; do
  [ -z "$word" ] || printf '%s\n' "$word" | grep -qE "$label" || fail "expected a name of lowercase letters, digits and inner hyphens, got $word"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  printf 'token=%s\n' "$token"
  [ -z "$name" ] || printf 'name=%s\n' "$name"
  [ -z "$site" ] || printf 'site=%s\n' "$site"
} >"$work/thymesh-join"

case $image in
  *.iso)
    xorriso -indev "$image" -outdev "$work/new.iso" -boot_image any replay -map "$work/thymesh-join" /thymesh-join \
      >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "xorriso can't change $image"; }
    cat "$work/new.iso" >"$image"
    ;;
  *)
    # type=b, c and e are FAT of old partition tables; the GUID is an EFI system partition.
    start=$(sfdisk --dump "$image" 2>/dev/null |
      sed -nE '/type= *(b|c|e|C12A7328-F81F-11D2-BA4B-00A0C93EC93B)(,|$)/s/.*start= *([0-9]+).*/\1/p' | head -n 1)
    [ -n "$start" ] || fail "$image has no FAT partition; expected a raw disk or an SD card"
    mcopy -o -i "$image@@$((start * 512))" "$work/thymesh-join" ::/thymesh-join ||
      fail "mcopy can't write to the FAT partition of $image"
    ;;
esac
# It has a token now: nobody else's business.
chmod 600 "$image"
