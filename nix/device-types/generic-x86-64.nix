{
  displayName = { en = "PC (x86-64)"; de = "PC (x86-64)"; };
  description = "Any PC with UEFI: mini PCs, industrial PCs, servers";
  system = "x86_64-linux";
  images = [ "raw" "iso" "vm" ];

  nixos = { lib, modulesPath, ... }: {
    # Drivers for what is found in PCs, so that one image starts on all of them.
    imports = [ (modulesPath + "/installer/scan/not-detected.nix") (modulesPath + "/profiles/all-hardware.nix") ];
    boot.loader.systemd-boot.enable = lib.mkDefault true;
    # One image for many machines: its boot entry is the fallback path, which needs no variables of the firmware.
    boot.loader.efi.canTouchEfiVariables = lib.mkDefault false;
    boot.loader.systemd-boot.configurationLimit = lib.mkDefault 8;
    hardware.cpu.intel.updateMicrocode = lib.mkDefault true;
    hardware.cpu.amd.updateMicrocode = lib.mkDefault true;
    hardware.enableRedistributableFirmware = lib.mkDefault true;
  };
}
