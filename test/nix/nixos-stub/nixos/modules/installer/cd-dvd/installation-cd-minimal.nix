{ lib, config, ... }:
{
  options.isoImage.storeContents = lib.mkOption { type = lib.types.listOf lib.types.package; default = [ ]; };
  options.image.baseName = lib.mkOption { type = lib.types.str; default = "nixos"; };
  config.system.name = "installer";
  config.system.stateVersion = "25.11";
  config.system.build.isoImage = builtins.deepSeq config.isoImage.storeContents { outPath = "/nix/store/${config.image.baseName}.iso"; inherit (config.services.getty) helpLine; };
}
