# One node of the hive as a NixOS module: `deployment` is Colmena's own, and left out.
name: { config, lib, pkgs, ... }@arguments:
let
  hive = import ../hive.nix;
  nodes = removeAttrs hive [ "meta" "defaults" ];
  called = node: if builtins.isFunction node then node (arguments // { inherit name nodes; }) else node;
  ours = node: removeAttrs (called node) [ "deployment" ];
in
{ imports = [ (ours hive.defaults or { }) (ours hive.${name}) ]; }
