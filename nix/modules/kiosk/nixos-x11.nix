# NixOS' part of a kiosk under X: a display manager that logs the user in.
{ settings, thymesh, session }: { lib, ... }: {
  services.xserver.enable = true;
  services.xserver.windowManager.session = [{ name = "kiosk"; start = "(\n${session}) &\nwaitPID=$!\n"; }];
  services.displayManager.defaultSession = "none+kiosk";
  services.displayManager.autoLogin.enable = true;
  services.displayManager.autoLogin.user = "kiosk";
  # NixOS leaves a running session alone, and starts none in a switch: here a new page appears at once.
  systemd.services.display-manager = {
    restartIfChanged = lib.mkForce true;
    wantedBy = [ "multi-user.target" ];
  } // (if settings.vnc then { after = [ thymesh.systemd.secretsReady ]; wants = [ thymesh.systemd.secretsReady ]; } else { });
  networking.firewall.allowedTCPPorts = lib.mkIf (settings.vnc && ! settings.vncLocal) [ settings.vncPort ];
}
