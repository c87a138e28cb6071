# One device from its file, as plain data, checked: { config, site?, displayName?, description? }.
{ configs }:
name: { file, content }:
let
  inherit (import ./errors.nix) fail list onlyKeys show;
  device = onlyKeys
    { inherit file; what = "device"; known = [ "displayName" "description" "config" "site" ]; }
    content;
  config = device.config or (fail file "config: must be set to the name of one of the project's configs");
  text = key: value:
    if builtins.isString value then value else fail file "${key}: expected a string, got ${show value}";
in
builtins.mapAttrs text (device // {
  config =
    if configs ? ${text "config" config} then config
    else fail file "config: there is no configs/${config}.json; the project has ${list (builtins.attrNames configs)}";
})
