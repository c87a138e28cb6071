{
  description = "A fleet that comin updated";

  # `thymesh` brings its own: --override-input thymesh path:…/nix
  inputs.thymesh.url = "path:../../../nix";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";

  outputs = { self, thymesh, ... }: thymesh.lib.mkFleet { project = self; };
}
