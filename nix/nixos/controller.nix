# A controller that is always there (nixosModules.controller): a peer that all devices reach, with the operator's tools.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  controller = config.services.thymesh.controller;
  node = config.services.thymesh.node;
in
{
  imports = [ ./node.nix ];

  options.services.thymesh.controller = {
    enable = mkEnableOption "a controller of Thymesh: the command for operators, and a peer that all others can reach";
    operators = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "anna" ];
      description = "Users who may build with Nix as trusted users, as deploying needs.";
    };
    cpuLimit = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "200%";
      description = "The hub's share of the processors (systemd's CPUQuota).";
    };
  };

  config = mkIf controller.enable {
    services.thymesh.node.enable = true;
    # Peers that all can reach hold the fleet's directory of addresses.
    services.thymesh.node.settings.dht = lib.mkDefault "server";
    environment.systemPackages = [ node.package pkgs.git ];
    nix.settings.experimental-features = lib.mkDefault [ "nix-command" "flakes" ];
    nix.settings.trusted-users = [ "root" ] ++ controller.operators;
    systemd.services.thymesh.serviceConfig.CPUQuota = mkIf (controller.cpuLimit != null) controller.cpuLimit;
  };
}
