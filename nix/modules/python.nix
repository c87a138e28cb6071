{
  displayName = { en = "Python programs"; de = "Python-Programme"; };
  description = { en = "Python that runs all the time or on a schedule"; de = "Python, das ständig oder nach Plan läuft"; };
  category = "applications";
  icon = "python";

  settings.programs = import ./programs/settings.nix {
    script = { type = "code"; language = "python"; displayName = { en = "Program"; de = "Programm"; }; };
    more = {
      pythonPackages = {
        order = 1;
        type = "list";
        of = { type = "string"; pattern = "[A-Za-z0-9_.-]+"; };
        example = [ "requests" ];
        displayName = { en = "Python packages"; de = "Python-Pakete"; };
        description = "By their names in nixpkgs' python3Packages";
      };
      systemPackages = {
        order = 2;
        type = "list";
        of.type = "package";
        displayName = { en = "Packages"; de = "Pakete"; };
        description = "With programs that it calls";
      };
    };
  };

  nixos = { settings, thymesh, ... }: { pkgs, ... }: (import ./programs/units.nix {
    inherit settings thymesh;
    kind = "python";
    interpreter = import ./programs/python.nix;
  }).nixos pkgs;

  portable = { settings, thymesh, pkgs, ... }: (import ./programs/units.nix {
    inherit settings thymesh;
    kind = "python";
    # Without packages the device's own will do, and the project needs no nixpkgs.
    interpreter = pkgs: one:
      if one.pythonPackages != [ ] then import ./programs/python.nix pkgs one
      else { command = "/usr/bin/env python3 -u"; packages = one.systemPackages; };
  }).portable pkgs // {
    needs = if builtins.any (one: one.pythonPackages == [ ] && one.systemPackages == [ ]) settings.programs then [ "python3" ] else [ ];
  };
}
