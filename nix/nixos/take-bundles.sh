# take-bundles DEVICE DIRECTORY: mounts a stick read-only in DIRECTORY and takes in what bundles it has at its top.
set -eu
device=$1 directory=$2
mount -o ro,nosuid,nodev,noexec "$device" "$directory"
trap 'umount "$directory"' EXIT
status=0
for bundle in "$directory"/*.thymesh; do
  if [ -f "$bundle" ]; then thymesh bundle import "$bundle" || status=1; fi
done
exit "$status"
