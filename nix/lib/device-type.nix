# A device type from its file, checked: { name, displayName, description, system, images, nixos, image }.
{ file, content, name, source }:
let
  inherit (import ./errors.nix) fail list onlyKeys show;
  inherit (import ./texts.nix) localised;
  inherit (import ./systems.nix) systems;
  formats = [ "raw" "sd-card" "iso" "vm" ];
  type = onlyKeys
    { inherit file; what = "device type"; known = [ "displayName" "description" "system" "images" "nixos" "image" ]; }
    content;
  images = type.images or [ ];
  wrong = builtins.filter
    (key: type ? ${key} && ! builtins.isFunction type.${key} && ! builtins.isAttrs type.${key})
    [ "nixos" "image" ];
in
builtins.addErrorContext "while reading the device type ${name} (${file})" (
  if ! builtins.elem (type.system or null) systems then
    fail file "system: expected one of ${list systems}, got ${show (type.system or null)}"
  else if ! builtins.isList images || ! builtins.all (format: builtins.elem format formats) images then
    fail file "images: expected a list of ${list formats}, got ${show images}"
  else if wrong != [ ] then fail file "${builtins.head wrong}: expected a NixOS module, got ${show type.${builtins.head wrong}}"
  else {
    inherit name file source images;
    inherit (type) system;
    displayName = localised { inherit file; what = "displayName"; } (type.displayName or name);
    description = localised { inherit file; what = "description"; } (type.description or "");
    nixos = type.nixos or { };
    # More for its images alone, such as firmware.
    image = type.image or { };
  }
)
