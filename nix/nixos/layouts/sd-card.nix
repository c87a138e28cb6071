# How SD cards are that nixpkgs' sd-image makes: a FAT partition of firmware, and one file system with /boot in it.
{ lib, ... }:
{
  fileSystems."/" = lib.mkDefault { device = "/dev/disk/by-label/NIXOS_SD"; fsType = "ext4"; };
  fileSystems."/boot/firmware" = lib.mkDefault {
    device = "/dev/disk/by-label/FIRMWARE";
    fsType = "vfat";
    # Kept out of the way, but for the join token, which the daemon's unit mounts it for.
    options = [ "nofail" "noauto" "umask=0077" ];
  };
}
