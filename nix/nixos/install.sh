# thymesh-install DISK: erases the disk and installs the config @name@ on it.
disk=${1:-}
if [ "$(id -u)" != 0 ] || [ $# != 1 ]; then
  echo 'usage: sudo thymesh-install /dev/DISK   (erases the disk; lsblk lists them)' >&2
  exit 2
fi
if [ ! -b "$disk" ]; then
  echo "thymesh-install: expected a disk, got $disk" >&2
  exit 2
fi
if lsblk --noheadings --output MOUNTPOINTS "$disk" | grep -q '[^[:space:]]'; then
  echo "thymesh-install: $disk is in use" >&2
  exit 1
fi
wipefs --all --quiet "$disk"
parted --script "$disk" -- mklabel gpt mkpart ESP fat32 8MiB 512MiB set 1 esp on mkpart nixos ext4 512MiB 100%
udevadm settle
partitions=$(lsblk --noheadings --list --paths --output NAME,TYPE "$disk" | awk '$2 == "part" { print $1 }')
esp=$(printf '%s\n' "$partitions" | sed -n 1p)
root=$(printf '%s\n' "$partitions" | sed -n 2p)
mkfs.vfat -F 32 -n ESP "$esp"
mkfs.ext4 -q -F -L nixos "$root"
mount "$root" /mnt
mkdir -p /mnt/boot
mount -o umask=0077 "$esp" /mnt/boot
nixos-install --root /mnt --system @topLevel@ --no-root-passwd --no-channel-copy
if [ -s /iso/thymesh-join ]; then cp /iso/thymesh-join /mnt/boot/thymesh-join; fi
umount -R /mnt
echo 'Done. Take the stick out and restart.'
