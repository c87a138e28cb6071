{
  displayName = "Raspberry Pi 5";
  description = "Starts from an SD card, by U-Boot and extlinux, with the vendor's firmware";
  system = "aarch64-linux";
  images = [ "sd-card" ];

  # The board's own Ethernet and USB (RP1) need a kernel that is new enough.
  nixos = import ./raspberry-pi/u-boot.nix { kernelParams = [ ]; newestKernel = true; };
  # Older sd-image-aarch64.nix know the boards up to 4 only.
  image = { lib, pkgs, ... }: {
    sdImage.populateFirmwareCommands = lib.mkAfter ''
      cp ${pkgs.ubootRaspberryPiAarch64 or pkgs.ubootRaspberryPi4_64bit}/u-boot.bin firmware/u-boot-rpi5.bin
      for file in ${pkgs.raspberrypifw}/share/raspberrypi/boot/bcm2712*.dtb; do cp "$file" firmware/; done
      chmod u+w firmware/config.txt
      printf '\n[pi5]\nkernel=u-boot-rpi5.bin\n' >>firmware/config.txt
    '';
  };
}
