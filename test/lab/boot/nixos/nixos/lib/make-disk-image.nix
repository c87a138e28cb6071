# A disk as nixpkgs' make-disk-image.nix leaves it: an EFI system partition with the loader, and a root with the first
# generation. What is Debian's in it lies outside of the store: places.nix, which who asks for an image has to write, says where.
{ config, name, ... }:
let
  inherit (config.system.build) toplevel;
  places = import ../../places.nix;
in
derivation {
  inherit name;
  inherit (places) root loader program;
  system = "x86_64-linux";
  builder = "/bin/sh";
  PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
  args = [ "-eu" ./make-disk-image.sh ];
  topLevel = toplevel;
  exportReferencesGraph = [ "closure" toplevel ];
}
