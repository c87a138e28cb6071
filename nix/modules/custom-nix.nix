let
  # Nix 2.8 reads no file in pure evaluation that the evaluation itself wrote.
  fromText = name: text:
    if builtins.compareVersions builtins.nixVersion "2.9" < 0 then
      throw "the module custom-nix: Nix ${builtins.nixVersion} can't evaluate the setting ${name}; put it in a file of the project and name that in `files`, or use a newer Nix"
    else import (builtins.toFile "custom-${name}.nix" text);
  fromFiles = { settings, project, ... }: map
    (file:
      if builtins.pathExists (project + "/${file}") then import (project + "/${file}")
      else throw "the module custom-nix: there is no ${file} in the project (a file that Git doesn't know isn't seen: git add it)")
    settings.files;
in
{
  displayName = { en = "Custom Nix"; de = "Eigenes Nix"; };
  description = { en = "What no module says: NixOS options, units and files"; de = "Was kein Modul sagt: NixOS-Optionen, Units und Dateien"; };
  category = "system";
  icon = "nix";

  settings = {
    files = {
      type = "list";
      of = {
        type = "string";
        pattern = "[a-zA-Z0-9_-][a-zA-Z0-9._-]*(/[a-zA-Z0-9_-][a-zA-Z0-9._-]*)*\\.nix";
        patternHint = "a Nix file of the project, such as nix/printer.nix";
      };
      example = [ "nix/printer.nix" ];
      displayName = { en = "Files"; de = "Dateien"; };
      description = "Nix files of the project: NixOS modules, or for the portable target what a module's `portable` gives";
      elementName = { en = "File"; de = "Datei"; };
    };
    nixos = {
      type = "code";
      language = "nix";
      default = "";
      example = "{ pkgs, ... }: { environment.systemPackages = [ pkgs.htop ]; }";
      displayName = { en = "NixOS module"; de = "NixOS-Modul"; };
      description = "An expression: a set of options, or a function that gives one. Needs a newer Nix than 2.8";
    };
    portable = {
      type = "code";
      language = "nix";
      default = "";
      example = "{ ... }: { etc.greeting.text = \"Hello\\n\"; }";
      displayName = { en = "For the portable target"; de = "Für das portable Ziel"; };
      description = "An expression: { units, etc, leave, packages, needs }, or a function that gives it. Needs a newer Nix than 2.8";
    };
  };

  nixos = arguments@{ settings, ... }: {
    imports = fromFiles arguments ++ (if settings.nixos == "" then [ ] else [ (fromText "nixos" settings.nixos) ]);
  };

  portable = arguments@{ settings, ... }:
    let
      all = map (one: if builtins.isFunction one then one arguments else one)
        (fromFiles arguments ++ (if settings.portable == "" then [ ] else [ (fromText "portable" settings.portable) ]));
      put = key: builtins.foldl' (sum: one: sum // one.${key} or { }) { } all;
      join = key: builtins.concatMap (one: one.${key} or [ ]) all;
    in
    { units = put "units"; etc = put "etc"; leave = put "leave"; packages = join "packages"; needs = join "needs"; };
}
