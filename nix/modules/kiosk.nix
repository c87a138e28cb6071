{
  displayName = { en = "Kiosk"; de = "Kiosk"; };
  description = { en = "One web page on the whole screen"; de = "Eine Webseite auf dem ganzen Bildschirm"; };
  category = "applications";
  icon = "screen";

  settings = {
    url = { type = "string"; pattern = "[a-z][a-z0-9+.-]*:[^ \t\n]+"; patternHint = "a URL"; example = "https://example.org/"; displayName = { en = "Page (URL)"; de = "Seite (URL)"; }; };
    display = {
      type = "choice";
      choices = [
        { value = "x11"; displayName = { en = "X"; de = "X"; }; }
        { value = "wayland"; displayName = { en = "Wayland"; de = "Wayland"; }; }
      ];
      default = "x11";
      displayName = { en = "Display system"; de = "Anzeigesystem"; };
    };
    resolution = { type = "string"; pattern = "[0-9]{2,5}x[0-9]{2,5}"; patternHint = "a resolution such as 1920x1080"; required = false; displayName = { en = "Resolution"; de = "Auflösung"; }; description = "The screen's own, if nothing is set"; };
    rotation = {
      type = "choice";
      choices = [
        { value = "normal"; displayName = { en = "None"; de = "Keine"; }; }
        { value = "left"; displayName = { en = "To the left"; de = "Nach links"; }; }
        { value = "right"; displayName = { en = "To the right"; de = "Nach rechts"; }; }
        { value = "inverted"; displayName = { en = "Upside down"; de = "Kopfüber"; }; }
      ];
      default = "normal";
      displayName = { en = "Rotation"; de = "Drehung"; };
    };
    volume = { type = "int"; min = 0; max = 100; unit = "%"; required = false; displayName = { en = "Volume"; de = "Lautstärke"; }; };
    audioSink = { type = "string"; required = false; example = "hdmi"; displayName = { en = "Sound output"; de = "Tonausgabe"; }; description = "A part of its name; the default one, if nothing is set"; };
    browserOptions = {
      type = "list";
      of = { type = "string"; pattern = "--[^\n]+"; patternHint = "an option such as --force-device-scale-factor=1.5"; };
      displayName = { en = "Options of the browser"; de = "Optionen des Browsers"; };
    };
    hideCursor = { type = "bool"; default = false; displayName = { en = "Hide the mouse pointer"; de = "Mauszeiger verbergen"; }; description = "Until it moves"; };
    screen = { type = "bool"; default = false; displayName = { en = "Screen for operators"; de = "Bildschirm für Operatoren"; }; description = "For whom a grant of access allows it, over the mesh; a bar on the screen says who watches"; };
    screenText = { type = "string"; pattern = "[^\n^]{1,80}"; patternHint = "at most 80 characters without ^"; default = "This screen is watched by"; visible.screen = true; displayName = { en = "Text of that bar"; de = "Text dieser Leiste"; }; description = "The names of who watches follow it"; };
    snapshotMinutes = {
      type = "int"; min = 10; max = 1440; unit = "min"; required = false; visible.screen = true;
      displayName = { en = "A small picture every"; de = "Ein kleines Bild alle"; };
      description = "Proof of what the screen has shown: the device keeps the last 24, for whom a grant lets see the screen";
    };
    vnc = { type = "bool"; default = false; visible.display = "x11"; displayName = { en = "Remote view (VNC)"; de = "Fernansicht (VNC)"; }; };
    vncPassword = { type = "secret"; allowed = [ "single-line" ]; owner = "kiosk"; visible.vnc = true; displayName = { en = "VNC password"; de = "VNC-Passwort"; }; };
    vncPort = import ./common/port.nix { en = "VNC port"; de = "VNC-Port"; } // { default = 5900; visible.vnc = true; };
    vncLocal = { type = "bool"; default = true; visible.vnc = true; displayName = { en = "VNC from the device itself only"; de = "VNC nur vom Gerät selbst"; }; description = "Over an SSH tunnel; VNC's own protection is weak"; };
  };

  nixos = { settings, thymesh, ... }: { lib, pkgs, ... }:
    let
      snapshots = import ./kiosk/snapshots.nix settings;
      session = import ./kiosk/session.nix {
        inherit settings thymesh;
        programs = {
          # At the top since nixpkgs 26.05; pkgs.xorg is on its way out.
          xset = "${pkgs.xset or pkgs.xorg.xset}/bin/xset";
          xrandr = "${pkgs.xrandr or pkgs.xorg.xrandr}/bin/xrandr";
          pactl = "${pkgs.pulseaudio}/bin/pactl";
          x11vnc = "${pkgs.x11vnc}/bin/x11vnc";
          x0vncserver = "${pkgs.tigervnc}/bin/x0vncserver";
          wayvnc = "${pkgs.wayvnc}/bin/wayvnc";
          swaymsg = "${pkgs.sway-unwrapped}/bin/swaymsg";
          bar = if settings.display == "wayland" then "${pkgs.sway-unwrapped}/bin/swaynag" else "${pkgs.dzen2}/bin/dzen2";
          unclutter = "${pkgs.unclutter-xfixes}/bin/unclutter";
          browser = "${pkgs.chromium}/bin/chromium";
        };
      };
    in
    {
      imports = [ (import (if settings.display == "wayland" then ./kiosk/nixos-wayland.nix else ./kiosk/nixos-x11.nix) { inherit settings thymesh session; }) ];
      environment.etc = lib.mkIf (snapshots != null) { "thymesh-screens.json".source = pkgs.writeText "thymesh-screens.json" snapshots; };
      users.users.kiosk = { isNormalUser = true; description = "Kiosk"; };
      services.pipewire.enable = lib.mkDefault true;
      services.pipewire.alsa.enable = lib.mkDefault true;
      services.pipewire.pulse.enable = lib.mkDefault true;
      hardware.graphics.enable = lib.mkDefault true;
    };

  # With the distribution's X server, browser and x11vnc; for `screen` its x0vncserver (tigervnc-scraping-server) and dzen2.
  # Under Wayland with its sway, which has the bar's swaynag, and wayvnc.
  portable = { settings, thymesh, ... }: let snapshots = import ./kiosk/snapshots.nix settings; isWayland = settings.display == "wayland"; in {
    needs = [ { programs = [ "chromium" "chromium-browser" "google-chrome" ]; package = "chromium"; } ]
    ++ (if isWayland then [ "sway" ] else [ "xinit" { programs = [ "Xorg" "X" ]; package = "xserver-xorg"; } ])
    ++ (if settings.vnc then [ "x11vnc" ] else [ ])
    ++ (if settings.screen && isWayland then [ "wayvnc" { programs = [ "swaynag" ]; package = "sway"; } ] else [ ])
    ++ (if settings.screen && ! isWayland then [ "dzen2" { programs = [ "X0tigervnc" "x0vncserver" ]; package = "tigervnc-scraping-server"; } ] else [ ]);
    etc = (if snapshots == null then { } else { "thymesh-screens.json".text = snapshots; })
    // (if ! isWayland then { } else { "thymesh-kiosk/sway".text = import ./kiosk/sway.nix { inherit settings thymesh; session = "/etc/thymesh-kiosk/session"; }; })
    // { "thymesh-kiosk/session" = {
      executable = true;
      text = "#!/bin/sh\n" + import ./kiosk/session.nix {
        inherit settings thymesh;
        programs = {
          xset = "xset";
          xrandr = "xrandr";
          pactl = "pactl";
          x11vnc = "x11vnc";
          # Debian has a program of this name that starts the server and leaves; the server itself has another one.
          x0vncserver = "$(command -v X0tigervnc || echo x0vncserver)";
          wayvnc = "wayvnc";
          swaymsg = "swaymsg";
          bar = if isWayland then "swaynag" else "dzen2";
          unclutter = "unclutter";
          browser = "$(command -v chromium || command -v chromium-browser || command -v google-chrome || echo chromium)";
        };
      };
    }; };
    units."thymesh-kiosk-user.service" = thymesh.systemd.once {
      description = "The kiosk's user";
      script = "id kiosk >/dev/null 2>&1 || useradd --create-home --shell /bin/bash kiosk";
    };
    units."kiosk.service" = {
      Unit = {
        Description = "Kiosk";
        After = [ "thymesh-kiosk-user.service" "systemd-user-sessions.service" "network-online.target" ]
          ++ (if settings.vnc then [ thymesh.systemd.secretsReady ] else [ ]);
        Requires = "thymesh-kiosk-user.service";
        Wants = "network-online.target";
        Conflicts = "getty@tty1.service";
      };
      Service = {
        User = "kiosk";
        PAMName = "login";
        TTYPath = "/dev/tty1";
        StandardInput = "tty";
        StandardOutput = "journal";
        ExecStart =
          if isWayland then "/usr/bin/env sway --config /etc/thymesh-kiosk/sway"
          else "/usr/bin/env xinit /etc/thymesh-kiosk/session -- :0 vt1 -nolisten tcp";
        Restart = "always";
        RestartSec = 5;
      }
      # A sign has neither keyboard nor mouse.
      // (if isWayland then { Environment = "WLR_LIBINPUT_NO_DEVICES=1"; } else { });
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ (builtins.toJSON settings) ];
    };
  };
}
