{ lib, config, ... }:
{
  options.sdImage.compressImage = lib.mkOption { type = lib.types.bool; default = true; };
  options.sdImage.populateFirmwareCommands = lib.mkOption { type = lib.types.lines; default = ""; };
  config.system.build.sdImage = { outPath = "/nix/store/sd-image-${config.system.build.toplevel.name}"; };
}
