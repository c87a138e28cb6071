{ pkgs, lib, config, diskSize ? "auto", additionalSpace ? "512M", partitionTableType ? "legacy", label ? "nixos", name ? "nixos-disk-image", format ? "raw", copyChannel ? true }:
{ outPath = "/nix/store/${name}-${config.system.build.toplevel.name}"; }
