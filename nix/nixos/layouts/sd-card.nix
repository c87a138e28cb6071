# How SD cards are that nixpkgs' sd-image makes: a FAT partition of firmware, and one file system with /boot in it.
{ lib, ... }:
{
  fileSystems."/" = lib.mkDefault { device = "/dev/disk/by-label/NIXOS_SD"; fsType = "ext4"; };
  fileSystems."/boot/firmware" = {
    device = lib.mkDefault "/dev/disk/by-label/FIRMWARE";
    fsType = lib.mkDefault "vfat";
    # Kept out of the way, but for the join token, which the daemon's unit mounts it for. At the priority of sd-image's own
    # options, which then stand beside these: a mask that gives way would let everyone read the token.
    options = [ "nofail" "noauto" "umask=0077" ];
  };
}
