# A builder on NixOS, whose build users are there already.
{ settings, system, thymesh, ... }:
{ config, pkgs, ... }:
let
  parts = import ./parts.nix { inherit settings system thymesh; };
  text = parts.config { };
in
{
  # Operators come in by sshd.
  imports = [ ((import ../remote-access.nix).nixos { settings.package = null; }) ];
  environment.etc."thymesh-builder/nix.conf".source = pkgs.writeText "thymesh-builder-nix.conf" text;
  users.users.${parts.account} = {
    isSystemUser = true;
    group = parts.account;
    # A file within a store path: NixOS takes a store path itself for a package, which must be one of its shells.
    shell = "${pkgs.writeShellScriptBin "thymesh-builder" (parts.shell "${config.nix.package}/bin/nix-daemon")}/bin/thymesh-builder";
  };
  users.groups.${parts.account} = { };
  systemd.services.thymesh-builder = {
    description = "Builds for operators";
    wantedBy = [ "multi-user.target" ];
    path = [ config.nix.package ];
    inherit (parts) environment;
    restartTriggers = [ text ];
    serviceConfig = parts.service // { ExecStart = "${config.nix.package}/bin/nix-daemon"; };
  };
}
