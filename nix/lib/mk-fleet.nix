# The outputs of a project's flake, read from its folders `configs/`, `devices/` and `modules/`.
#
#   thymesh.configs.<name>  the top level of a config, to be built
#   thymesh.fleet           configs (with their settings in force) and devices, as plain data
#   thymesh.modules         each module's title, description and settings, as plain data
{
  # The project's flake (`self`), or any path to it.
  project,
  # Folders with mkdir, ln, cat, chmod and rm for builders that have none in /usr/bin, such as Nix's own
  # sandbox: [ "${pkgs.coreutils}/bin" ].
  tools ? [ ],
}:
let
  files = import ./project-files.nix project;
  inherit (files) modules;
  targets.portable = import ../portable;

  configs = builtins.mapAttrs (import ./config.nix { inherit modules targets; }) files.configs;
  devices = builtins.mapAttrs (import ./device.nix { inherit configs; }) files.devices;

  build = name: config: targets.${config.target} {
    inherit name project tools;
    inherit (config) system modules;
  };
in
{
  thymesh = {
    configs = builtins.mapAttrs build configs;
    fleet = {
      configs = builtins.mapAttrs (_: import ./config-data.nix) configs;
      inherit devices;
    };
    modules = builtins.mapAttrs (_: module: removeAttrs module.content [ "portable" "nixos" ]) modules;
  };
}
