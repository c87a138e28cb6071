# Makes nixos.img; all that it needs is in the environment, and the closure in a file. It is Nix's builder, as root and outside
# of the sandbox.
tree=$PWD/tree
esp=$PWD/esp
espMegabytes=96
rootMegabytes=1200
export HOME="$PWD"
cp -a "$root" "$tree"
tr -d - </proc/sys/kernel/random/uuid >"$tree/etc/machine-id"
cp -a "$program/." "$tree/opt/thymesh/"
# It has no line to the tests.
rm "$tree/usr/lib/systemd/system/multi-user.target.wants/lab-agent.service"

mkdir -p "$tree/nix/store" "$tree/nix/var/nix/profiles"
grep '^/nix/store/' closure | sort -u | while read -r path; do cp -a "$path" "$tree/nix/store/"; done
nix-store --store "local?root=$tree" --register-validity <closure
ln -s "$topLevel" "$tree/nix/var/nix/profiles/system-1-link"
ln -s system-1-link "$tree/nix/var/nix/profiles/system"
chroot "$tree" "$topLevel/bin/switch-to-configuration" boot

mkfs.vfat -F 32 -n ESP -C "$esp" $((espMegabytes * 1024))
mmd -i "$esp" ::EFI ::EFI/BOOT ::EFI/systemd
mcopy -i "$esp" "$loader" ::EFI/BOOT/BOOTX64.EFI
mcopy -i "$esp" "$loader" ::EFI/systemd/systemd-bootx64.efi
mcopy -i "$esp" -s "$tree/boot/EFI/nixos" ::EFI/
mcopy -i "$esp" -s "$tree/boot/loader" ::
rm -rf "$tree/boot"
mkdir "$tree/boot"
mkfs.ext4 -q -L nixos -d "$tree" rootfs "${rootMegabytes}M"
rm -rf "$tree"

mkdir "$out"
disk=$out/nixos.img
truncate -s $((espMegabytes + rootMegabytes + 2))M "$disk"
sfdisk -q "$disk" <<END
label: gpt
start=2048, size=$((espMegabytes * 2048)), type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
start=$(((espMegabytes + 1) * 2048)), size=$((rootMegabytes * 2048)), type=0FC63DAF-8483-4772-8E79-3D69D8477DE4
END
dd if="$esp" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none
dd if=rootfs of="$disk" bs=1M seek=$((espMegabytes + 1)) conv=notrunc,sparse status=none
