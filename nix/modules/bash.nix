{
  displayName = { en = "Bash programs"; de = "Bash-Programme"; };
  description = { en = "Scripts that run all the time or on a schedule"; de = "Skripte, die ständig oder nach Plan laufen"; };
  category = "applications";
  icon = "terminal";

  settings.programs = import ./programs/settings.nix {
    script = { type = "code"; language = "bash"; displayName = { en = "Script"; de = "Skript"; }; };
    more.packages = {
      order = 1;
      type = "list";
      of.type = "package";
      displayName = { en = "Packages"; de = "Pakete"; };
      description = "With programs that the script calls";
    };
  };

  nixos = { settings, thymesh, ... }: { pkgs, ... }: (import ./programs/units.nix {
    inherit settings thymesh;
    kind = "bash";
    interpreter = pkgs: one: { command = "${pkgs.bash}/bin/bash"; packages = one.packages ++ [ pkgs.bash ]; };
  }).nixos pkgs;

  portable = { settings, thymesh, pkgs, ... }: (import ./programs/units.nix {
    inherit settings thymesh;
    kind = "bash";
    interpreter = _: one: { command = "/usr/bin/env bash"; inherit (one) packages; };
  }).portable pkgs;
}
