{
  displayName = "Raspberry Pi 3";
  description = "Starts from an SD card, by U-Boot and extlinux";
  system = "aarch64-linux";
  images = [ "sd-card" ];

  nixos = import ./raspberry-pi/u-boot.nix { kernelParams = [ "cma=256M" ]; };
}
