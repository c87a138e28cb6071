# The data of a config that the controller reads with `nix eval --json`: no functions, no derivations.
config:
{
  inherit (config) displayName description system target tags secrets;
  modules = builtins.mapAttrs (_: module: module.values) config.modules;
}
// (if config.type == null then { } else { type = config.type.name; })
// (if config.device == null then { } else { inherit (config) base device; })
// (if config.policy == { } then { } else { inherit (config) policy; })
