# A device type from its file, checked: { name, displayName, description, system, images, nixos? }.
{ file, content, name, source }:
let
  inherit (import ./errors.nix) fail list onlyKeys show;
  inherit (import ./texts.nix) localised;
  inherit (import ./systems.nix) systems;
  formats = [ "raw" "sd-card" "iso" "vm" ];
  type = onlyKeys
    { inherit file; what = "device type"; known = [ "displayName" "description" "system" "images" "nixos" ]; }
    content;
  images = type.images or [ ];
in
builtins.addErrorContext "while reading the device type ${name} (${file})" (
  if ! builtins.elem (type.system or null) systems then
    fail file "system: expected one of ${list systems}, got ${show (type.system or null)}"
  else if ! builtins.isList images || ! builtins.all (format: builtins.elem format formats) images then
    fail file "images: expected a list of ${list formats}, got ${show images}"
  else if type ? nixos && ! builtins.isFunction type.nixos && ! builtins.isAttrs type.nixos then
    fail file "nixos: expected a NixOS module, got ${show type.nixos}"
  else {
    inherit name file source images;
    inherit (type) system;
    displayName = localised { inherit file; what = "displayName"; } (type.displayName or name);
    description = localised { inherit file; what = "description"; } (type.description or "");
    nixos = type.nixos or { };
  }
)
