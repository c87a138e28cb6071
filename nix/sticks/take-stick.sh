# take-stick THYMESH DEVICE DIRECTORY [HOOK]: takes in the bundles on a stick, which is only read.
# It runs in a mount namespace of its own, with which the mount in DIRECTORY ends.
set -eu
thymesh=$1 device=$2 directory=$3 hook=${4-}
# Reports go home on a stick that has the folder for them. Whatever is wrong with it, the update goes on.
carry_out() {
  if mount -o remount,rw,nosuid,nodev,noexec "$directory"; then
    "$thymesh" carry out "$directory" || echo "the outbox was not written" >&2
    mount -o remount,ro,nosuid,nodev,noexec "$directory"
  fi
}
# At a boot a stick is there before the daemon answers. Without a daemon `bundle take` says so after some minutes.
await_daemon() {
  tries=0
  until "$thymesh" peers --device >/dev/null 2>&1 || [ "$tries" -ge 60 ]; do
    tries=$((tries + 1))
    sleep 2
  done
}
take() { exec "$thymesh" bundle take ${hook:+--hook "$hook"} "$@"; }

# A bundle may be written straight to the device. Then no file system is parsed.
magic=$(dd if="$device" bs=1 skip=257 count=5 2>/dev/null || true)
if [ "$magic" = ustar ]; then
  await_daemon
  take "$device"
fi

type=$(blkid -p -s TYPE -o value "$device" || true)
case $type in
  vfat|exfat|iso9660|udf|squashfs) options=ro ;;
  # The journal is not replayed: that would write.
  ext4) options=ro,noload ;;
  *)
    echo "expected a bundle or one of the file systems vfat, exfat, ext4, iso9660, udf and squashfs on $device, got ${type:-another content}" >&2
    exit 0
    ;;
esac
await_daemon
mount -t "$type" -o "$options,nosuid,nodev,noexec" "$device" "$directory"
if [ -d "$directory/thymesh-outbox" ] && [ ! -L "$directory/thymesh-outbox" ]; then carry_out; fi
set --
for bundle in "$directory"/*.thymesh; do
  # A link would lead to a file of the device.
  if [ -f "$bundle" ] && [ ! -L "$bundle" ]; then set -- "$@" "$bundle"; fi
done
if [ $# -eq 0 ]; then
  echo "expected bundles (*.thymesh) at the top of $device, got none" >&2
  exit 0
fi
take "$@"
