# The installer: `thymesh-install DISK` writes the config to a disk, which it erases, and takes the join token along.
{ built, name }:
{ lib, pkgs, ... }:
let
  install = pkgs.writeShellApplication {
    name = "thymesh-install";
    runtimeInputs = [ pkgs.parted pkgs.dosfstools pkgs.e2fsprogs pkgs.util-linux pkgs.nixos-install-tools ];
    text = builtins.replaceStrings [ "@topLevel@" "@name@" ] [ "${built.config.system.build.toplevel}" name ] (builtins.readFile ./install.sh);
  };
in
{
  isoImage.storeContents = [ built.config.system.build.toplevel ];
  image.baseName = lib.mkForce "thymesh-${name}-installer";
  environment.systemPackages = [ install ];
  # Nothing is erased before somebody asks for it.
  services.getty.helpLine = lib.mkForce "To install ${name} on a disk, which erases it: sudo thymesh-install /dev/DISK (lsblk lists them)";
}
