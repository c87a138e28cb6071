{
  displayName = { en = "Virtual machine"; de = "Virtuelle Maschine"; };
  description = "A guest of QEMU/KVM, with virtio disks and network";
  system = "x86_64-linux";
  images = [ "vm" "raw" ];

  nixos = { lib, modulesPath, ... }: {
    imports = [ (modulesPath + "/profiles/qemu-guest.nix") ];
    boot.loader.systemd-boot.enable = lib.mkDefault true;
    boot.loader.efi.canTouchEfiVariables = lib.mkDefault false;
    services.qemuGuest.enable = lib.mkDefault true;
    boot.kernelParams = [ "console=ttyS0,115200" ];
  };
}
