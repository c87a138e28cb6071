{
  displayName = "Raspberry Pi 5";
  description = "Starts from an SD card, by U-Boot and extlinux, with the vendor's firmware";
  system = "aarch64-linux";
  images = [ "sd-card" ];

  # The mainline kernel knows the board; its own Ethernet and USB (RP1) need one that is new enough.
  nixos = import ./raspberry-pi/u-boot.nix { kernelParams = [ ]; newestKernel = true; };
}
