{ lib, config, ... }:
{
  options.virtualisation.memorySize = lib.mkOption { type = lib.types.ints.positive; default = 1024; };
  config.system.build.vm = builtins.seq config.virtualisation.memorySize { outPath = "/nix/store/vm-${config.system.build.toplevel.name}"; };
}
