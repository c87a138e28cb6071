# The common part of the Raspberry Pis: extlinux, which U-Boot reads, and the root on the SD card.
{ kernelParams, newestKernel ? false }:
{ lib, options, pkgs, ... }:
{
  boot.loader.grub.enable = lib.mkDefault false;
  boot.loader.generic-extlinux-compatible.enable = lib.mkDefault true;
  # /boot of a card is small.
  boot.loader.generic-extlinux-compatible.configurationLimit = lib.mkDefault 5;
  boot.kernelParams = [ "console=ttyS1,115200n8" "console=tty1" ] ++ kernelParams;
  boot.kernelPackages = lib.mkIf newestKernel (lib.mkDefault pkgs.linuxPackages_latest);
  hardware.enableRedistributableFirmware = lib.mkDefault true;
  # A machine that hangs restarts; the boards' watchdog counts no further. nixpkgs 25.05 has it by another name.
  systemd =
    if options.systemd ? settings then { settings.Manager.RuntimeWatchdogSec = lib.mkDefault "15s"; }
    else { watchdog.runtimeTime = lib.mkDefault "15s"; };
  # Nothing on these boards keeps the time while they are off.
  services.thymesh.node.settings.clock = lib.mkDefault "none";
}
