{
  displayName = "ARM board with UEFI (aarch64)";
  description = "64-bit ARM machines that start with UEFI";
  system = "aarch64-linux";
  images = [ "raw" "iso" "vm" ];

  nixos = { lib, modulesPath, ... }: {
    imports = [ (modulesPath + "/installer/scan/not-detected.nix") (modulesPath + "/profiles/all-hardware.nix") ];
    boot.loader.systemd-boot.enable = lib.mkDefault true;
    boot.loader.efi.canTouchEfiVariables = lib.mkDefault false;
    boot.loader.systemd-boot.configurationLimit = lib.mkDefault 8;
    hardware.enableRedistributableFirmware = lib.mkDefault true;
  };
}
