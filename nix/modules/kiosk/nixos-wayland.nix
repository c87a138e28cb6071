# NixOS' part of a kiosk under Wayland: a unit that starts the compositor on the first console.
{ settings, thymesh, session }: { pkgs, ... }:
let
  script = pkgs.writeShellScript "kiosk-session" session;
  file = pkgs.writeText "kiosk-sway" (import ./sway.nix { inherit settings thymesh; session = script; });
in
{
  systemd.services.kiosk = {
    description = "Kiosk";
    after = [ "systemd-user-sessions.service" "getty@tty1.service" ];
    conflicts = [ "getty@tty1.service" ];
    wantedBy = [ "multi-user.target" ];
    # Sway starts the session by `sh`.
    path = [ pkgs.bash ];
    # A sign has neither keyboard nor mouse.
    environment.WLR_LIBINPUT_NO_DEVICES = "1";
    serviceConfig = {
      User = "kiosk";
      PAMName = "login";
      TTYPath = "/dev/tty1";
      StandardInput = "tty";
      StandardOutput = "journal";
      ExecStart = "${pkgs.sway-unwrapped}/bin/sway --config ${file}";
      Restart = "always";
      RestartSec = 5;
    };
  };
}
