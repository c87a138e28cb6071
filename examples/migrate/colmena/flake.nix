{
  description = "A fleet that was a hive of Colmena";

  # `thymesh` brings its own: --override-input thymesh path:…/nix
  inputs.thymesh.url = "path:../../../nix";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";

  outputs = { self, thymesh, ... }: thymesh.lib.mkFleet { project = self; };
}
