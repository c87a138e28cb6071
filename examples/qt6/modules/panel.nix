{
  displayName = { en = "Panel"; de = "Bedientafel"; };
  description = "A Qt 6 application on the whole screen, by the Wayland compositor Cage";
  category = "applications";

  settings = {
    application = { type = "package"; default = "panel"; displayName = { en = "Application"; de = "Anwendung"; }; };
    title = { type = "string"; maxLength = 60; displayName = { en = "Title"; de = "Titel"; }; };
    colour = { type = "string"; pattern = "#[0-9a-f]{6}"; patternHint = "a colour such as #3366cc"; default = "#3366cc"; displayName = { en = "Colour"; de = "Farbe"; }; };
  };

  nixos = { settings, ... }: { lib, pkgs, ... }: {
    users.users.panel = { isNormalUser = true; description = "Panel"; };
    services.cage.enable = true;
    services.cage.user = "panel";
    services.cage.program = "${settings.application}/bin/panel";
    services.cage.environment = { PANEL_TITLE = settings.title; PANEL_COLOUR = settings.colour; };
    # NixOS leaves it running when it changes; here a new application is what an update is for.
    systemd.services.cage-tty1.restartIfChanged = lib.mkForce true;
    fonts.packages = [ pkgs.dejavu_fonts ];
  };

  policy = _: { health.probes = [ { kind = "unit"; unit = "cage-tty1.service"; successes = 3; } ]; };
}
