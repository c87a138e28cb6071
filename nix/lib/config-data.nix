# What the controller reads of a config with `nix eval --json`: no functions, no derivations.
config:
{
  inherit (config) displayName description system target;
  modules = builtins.mapAttrs (_: module: module.settings) config.modules;
}
