# Guests of a NixOS machine. It has no distribution in /usr: a container needs a root of its own.
{ settings, project, config, device, thymesh, ... }:
let
  parts = import ./parts.nix { inherit settings project config device thymesh; };
in
{ config, lib, pkgs, ... }:
let
  qemu = { qemu = pkgs.qemu; firmware = pkgs.OVMF.firmware; inherit (pkgs.OVMF) variables; };
  program = guest: "${pkgs.writeShellScript "thymesh-guest-${guest.name}" (parts.script guest qemu)}";
  checked = guest:
    if guest.kind == "container" && guest.root == null then
      throw "virtual-machines.guests: ${guest.name}: has no root; on NixOS a container needs one, such as a folder that debootstrap made"
    else guest;
  plan = guest: parts.plan (checked guest) (program guest);
  # Named by the system that runs: a new version of the program is no reason to restart guests.
  thymeshProgram = "/run/current-system/sw/bin/thymesh";
in
{
  environment.etc = parts.each (guest: { name = parts.planName guest; value.source = pkgs.writeText "guest.json" (plan guest); });
  systemd.services = parts.each (guest: {
    name = parts.unitName guest;
    value = {
      description = parts.description guest;
      inherit (parts) after wants;
      wantedBy = lib.mkIf guest.autostart [ "multi-user.target" ];
      path = [ config.nix.package pkgs.bash pkgs.systemd pkgs.util-linux pkgs.coreutils ]
        ++ (if guest.kind == "container" then [ pkgs.e2fsprogs pkgs.iproute2 pkgs.nftables ] else [ pkgs.qemu pkgs.mtools ]);
      restartTriggers = parts.triggers guest;
      serviceConfig = parts.service guest thymeshProgram;
    };
  });
}
