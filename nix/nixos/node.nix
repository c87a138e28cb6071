# The daemon of a device as a NixOS service (nixosModules.node).
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  node = config.services.thymesh.node;
  settingsFormat = pkgs.formats.json { };
  hardening = builtins.fromJSON (builtins.readFile ../node-hardening.json);
  join = "/var/lib/thymesh/join";
  takesSticks = node.sticks || node.usbBundles;
  sticks = import ../sticks {
    command = pkgs.writeShellScript "thymesh-stick" (builtins.readFile ../sticks/take-stick.sh);
    program = "${node.package}/bin/thymesh";
    hook = node.stickHook;
  };
in
{
  options.services.thymesh.node = {
    enable = mkEnableOption "the daemon of Thymesh, which makes this machine a device of a fleet";
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = "that of Thymesh's own flake";
      description = "The program.";
    };
    settings = mkOption {
      type = types.submodule { freeformType = settingsFormat.type; };
      default = { };
      example = { bootstrap = [ "/dns4/hub.example.org/tcp/4460" ]; clock = "none"; };
      description = "The content of the daemon's settings file. It is in the store, so it must not have a join token.";
    };
    openFirewall = mkOption {
      type = types.bool;
      default = true;
      description = "Lets other peers in, and their multicast DNS.";
    };
    port = mkOption {
      type = types.port;
      default = 4460;
      description = "The TCP port that is opened in the firewall; `settings.listen` says where the daemon listens.";
    };
    joinFiles = mkOption {
      type = types.listOf types.str;
      default = [ "/boot/thymesh-join" "/boot/firmware/thymesh-join" "/iso/thymesh-join" ];
      description = "Where an image may have a join token. The first one that is there is taken, and removed.";
    };
    sticks = mkOption {
      type = types.bool;
      default = false;
      description = "Takes in bundles from USB sticks when they are put in. The kernel then parses the file systems of sticks whose label begins with THYMESH.";
    };
    stickHook = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/run/current-system/sw/bin/stick-light";
      description = "A program that is told how far a stick is: seen, reading PERCENT, done, incomplete, refused CODE.";
    };
    usbBundles = mkOption {
      type = types.bool;
      default = false;
      description = "The former name of `sticks`.";
    };
  };

  config = mkIf node.enable {
    environment.systemPackages = [ node.package ];
    environment.etc."thymesh-node.json".source = settingsFormat.generate "thymesh-node.json" node.settings;

    systemd.services.thymesh = {
      description = "Thymesh";
      documentation = [ "https://github.com/thymesh/thymesh" ];
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" "nix-daemon.socket" ];
      # The daemon itself switches to the new generation: a switch that restarted it would end its own work. It starts
      # anew by itself once the update is done.
      restartIfChanged = false;
      stopIfChanged = false;
      unitConfig.X-StopOnRemoval = false;
      path = [ config.nix.package pkgs.systemd pkgs.coreutils ];
      environment.HOME = "/var/lib/thymesh";
      serviceConfig = hardening // {
        Type = "exec";
        ExecStartPre = "+${pkgs.writeShellScript "thymesh-join" (builtins.readFile ./take-join-token.sh)} ${join} ${lib.escapeShellArgs node.joinFiles}";
        ExecStart = pkgs.writeShellScript "thymesh-node" ''
          set -- node
          if [ -s ${join}/token ]; then
            set -- "$@" --join ${join}/token --name "$(cat ${join}/name)"
            [ ! -s ${join}/site ] || set -- "$@" --site "$(cat ${join}/site)"
          fi
          exec ${node.package}/bin/thymesh "$@"
        '';
        Restart = "always";
        RestartSec = 5;
        StateDirectory = "thymesh";
        StateDirectoryMode = "0700";
        RuntimeDirectory = "thymesh";
        # What other units read there stays when the daemon restarts.
        RuntimeDirectoryPreserve = true;
        RuntimeDirectoryMode = "0755";
        OOMScoreAdjust = -500;
      };
    };

    # At the start of the machine, before the units that read secrets; later the daemon installs them itself. A switch stops it
    # where an owner may be new, and starts it again between the accounts and the units that come after it.
    systemd.services.thymesh-secrets = {
      description = "Secrets of this device";
      wantedBy = [ "multi-user.target" ];
      before = [ "thymesh.service" ];
      after = [ "local-fs.target" ];
      unitConfig.ConditionPathExists = "/var/lib/thymesh/secrets/manifests.json";
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${node.package}/bin/thymesh install-secrets --state /var/lib/thymesh";
      };
    };

    networking.firewall.allowedTCPPorts = mkIf node.openFirewall [ node.port ];
    networking.firewall.allowedUDPPorts = mkIf node.openFirewall [ 5353 ];

    services.udev.extraRules = mkIf takesSticks sticks.rules;
    systemd.services."thymesh-stick@" = mkIf takesSticks {
      path = [ pkgs.util-linux pkgs.coreutils ];
      unitConfig = sticks.unit;
      serviceConfig = sticks.service;
    };
  };
}
