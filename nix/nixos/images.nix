# Images of a config, by format. No join token is in them: whatever a build makes lies in the store, where everyone can
# read it. `add-join-token` puts one into a copy.
{ nixpkgs, evaluate, built, config }:
let
  inherit (built) pkgs;
  inherit (nixpkgs) lib;
  modules = nixpkgs + "/nixos/modules";
  forImage = config.type.image;
in
rec {
  # A whole disk, with an EFI system partition: for `dd`, or a virtual machine.
  raw = import (nixpkgs + "/nixos/lib/make-disk-image.nix") {
    inherit pkgs lib;
    inherit (evaluate [ forImage ]) config;
    name = "thymesh-${config.name}";
    format = "raw";
    partitionTableType = "efi";
    label = "nixos";
    diskSize = "auto";
    additionalSpace = "2048M";
    copyChannel = false;
  };

  # The file system grows to the card at the first start.
  sd-card = (evaluate [
    (modules + "/installer/sd-card/sd-image-aarch64.nix")
    { sdImage.compressImage = false; }
    # sd-image's base profile brings ZFS, which a new kernel often can't have; a card is ext4.
    { boot.supportedFilesystems.zfs = lib.mkForce false; }
    forImage
  ]).config.system.build.sdImage;

  # Starts from a stick, and installs the config on the machine's disk.
  iso = (nixpkgs.lib.nixosSystem {
    inherit (config) system;
    modules = [
      (modules + "/installer/cd-dvd/installation-cd-minimal.nix")
      (import ./installer.nix { inherit built; name = config.name; })
    ];
  }).config.system.build.isoImage;

  # A script that starts a copy of the raw image in QEMU: a machine that takes updates as the others do, which qemu-vm.nix's,
  # whose store is the host's and which has no boot loader, can't.
  vm = pkgs.writeShellScriptBin "run-${config.name}-vm" (builtins.replaceStrings
    [ "@qemu@" "@image@" "@name@" "@firmware@" "@variables@" ]
    [ "${pkgs.qemu}" "${raw}/*.img" config.name "${pkgs.OVMF.firmware}" "${pkgs.OVMF.variables}" ]
    (builtins.readFile ./run-vm.sh));
}
