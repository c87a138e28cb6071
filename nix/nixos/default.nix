# The target nixos: a config as a NixOS system, and the images that its device type has.
#
# Gives { topLevel, images = { raw?, sd-card?, iso?, vm? } }, each to be built.
{
  nixpkgs,
  nixpkgsConfig,
  # Thymesh's repository, for the program; null for the one that these files lie in.
  source ? null,
}:
config:
let
  inherit (import ../lib/errors.nix) fail;
  inherit (builtins) attrNames compareVersions concatStringsSep deepSeq nixVersion pathExists;
  functionOf = name:
    let module = config.modules.${name};
    in
    module.nixos or (fail module.file "has no `nixos` function, but config ${config.name} has the target nixos");

  # nixpkgs refuses an older Nix too, but names no config and only asks for an upgrade.
  wanted =
    if pathExists (nixpkgs + "/lib/minfeatures.nix") then map (one: one.description) (import (nixpkgs + "/lib/minfeatures.nix")).missing
    else if pathExists (nixpkgs + "/lib/minver.nix") && compareVersions (import (nixpkgs + "/lib/minver.nix")) nixVersion > 0
    then [ "Nix ${import (nixpkgs + "/lib/minver.nix")} or newer" ]
    else [ ];

  # Errors of options are NixOS's own; `_file` lets them name the module.
  fromModule = name:
    let
      module = config.modules.${name};
      made = builtins.addErrorContext "while evaluating the module ${name} (${module.file}) for config ${config.name}"
        (functionOf name (config.arguments // { inherit (module) settings; }));
    in
    {
      _file = "${module.file} (module ${name}, for ${config.place})";
      # All settings are checked, also those that the module doesn't look at.
      imports = [ (deepSeq module.values made) ];
    };

  secretsText = builtins.toJSON config.secrets;

  # Sets of packages are not asked through NixOS, which has its own.
  evaluate = more: nixpkgs.lib.nixosSystem {
    inherit (config) system;
    modules = [
      ./node.nix
      ./base.nix
      { _file = "Thymesh"; nixpkgs.config = nixpkgsConfig; system.name = config.name; }
      ({ lib, pkgs, ... }: {
        _file = "Thymesh";
        # Stronger than the option's default, weaker than anybody's word.
        services.thymesh.node.package = lib.mkIf (source != null) (lib.mkOverride 1400 (pkgs.callPackage ../package.nix { inherit source; }));
      })
    ]
    ++ (if config.secrets == [ ] then [ ] else [
      ({ config, ... }: {
        _file = "Thymesh";
        # The unit gives secrets to accounts that the same switch makes: so it runs again when either changes.
        systemd.services.thymesh-secrets.restartTriggers = [ secretsText (builtins.toJSON (attrNames config.users.users)) ];
      })
    ])
    ++ (if config.type == null then [ ] else [
      { _file = config.type.file; imports = [ config.type.nixos ]; }
      (if builtins.elem "sd-card" config.type.images then ./layouts/sd-card.nix else ./layouts/disk.nix)
    ])
    ++ map fromModule (attrNames config.modules)
    ++ more;
  };
  built = evaluate [ ];
  images = import ./images.nix { inherit nixpkgs evaluate built config; };
in
if nixpkgs == null then
  fail config.file "target: nixos needs the flake's input nixpkgs; add it, or give mkFleet { nixpkgs = …; }"
else if wanted != [ ] then
  fail config.file "the input nixpkgs needs a newer Nix than this one, ${nixVersion} (${concatStringsSep ", " wanted}); install a newer Nix, or set the input to nixos-25.05, the last one for older ones"
else {
  topLevel = built.config.system.build.toplevel;
  images = builtins.listToAttrs (map
    (format: { name = format; value = images.${format}; })
    (if config.type == null then [ ] else config.type.images));
}
