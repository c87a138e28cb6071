# Python of nixpkgs, with the packages that a program wants.
pkgs: one:
let
  python = pkgs.python3.withPackages (available: map
    (name: available.${name} or (throw "the module python: nixpkgs' python3Packages has no ${name}, which the program ${one.name} wants"))
    one.pythonPackages);
in
{ command = "${python}/bin/python3 -u"; packages = one.systemPackages; }
