{
  description = "A fleet that deploy-rs deployed";

  # `thymesh` brings its own: --override-input thymesh path:…/nix
  inputs.thymesh.url = "path:../../../nix";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";

  outputs = { self, nixpkgs, thymesh, ... }: thymesh.lib.mkFleet { project = self; } // {
    # As before; `deploy.nodes` named it. It may stay until the last host has moved.
    nixosConfigurations.web = nixpkgs.lib.nixosSystem {
      system = "x86_64-linux";
      modules = [ ./nixos/web.nix ];
    };
  };
}
