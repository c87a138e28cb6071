# The base of every device: the daemon, and a Nix that uses the daemon's binary cache.
{ lib, options, ... }:
let
  # Since nixpkgs 26.11. Before it, nothing counts boots: docs/activation.md.
  countsBoots = options.boot.loader.systemd-boot ? bootCounting;
in
{
  # A generation that doesn't come up three times gives way to an older one. It has come up once the daemon runs and the probes
  # of the update policy succeed; after an update that the machine was rebooted for, once that is confirmed.
  boot.loader.systemd-boot = if countsBoots then { bootCounting.enable = lib.mkDefault true; } else { };
  systemd.services.thymesh-good-boot = if ! countsBoots then { } else {
    description = "Wait for the daemon to call this boot a good one";
    requiredBy = [ "boot-complete.target" ];
    before = [ "boot-complete.target" ];
    after = [ "thymesh.service" ];
    # A switch changes nothing about this boot.
    restartIfChanged = false;
    script = ''
      until [ -e /run/thymesh/good-boot ]; do sleep 1; done
    '';
    serviceConfig = { Type = "oneshot"; RemainAfterExit = true; TimeoutStartSec = "infinity"; };
  };
  services.thymesh.node.enable = lib.mkDefault true;
  # Public configurations say it too, as a list or as one string, which don't go together.
  nix.settings.experimental-features = lib.mkDefault [ "nix-command" "flakes" ];
  # Devices build nothing; what a release names comes over the mesh.
  nix.settings.max-jobs = lib.mkDefault 0;
  # Generations are kept by the daemon, as the update policy says.
  nix.gc.automatic = lib.mkDefault false;
  documentation.enable = lib.mkDefault false;
  # A device that nobody logs in to is reached over the mesh.
  users.mutableUsers = lib.mkDefault true;
  boot.tmp.cleanOnBoot = lib.mkDefault true;
  system.stateVersion = lib.mkDefault "25.11";
}
