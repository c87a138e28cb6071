{
  description = "Thymesh: fleets of Linux devices declared in Nix, managed without a server";

  # No inputs: a project needs neither nixpkgs nor the network to be evaluated.
  outputs = { self }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forAll = f: builtins.listToAttrs (map (system: { name = system; value = f system; }) systems);
      # Only who asks for the package fetches it.
      pinned = builtins.fetchTree (builtins.fromJSON (builtins.readFile ./nixpkgs.json));
      # Taken from an unpacked tarball (…?dir=lib/thymesh/nix), the program is there already, for one system.
      ready = builtins.pathExists ../system && builtins.pathExists ../node/bin/node;
      program = { inherit (self.sourceInfo) outPath; name = "thymesh"; };
    in
    {
      lib = import ./lib;
      nixosModules = {
        node = ./nixos/node.nix;
        controller = ./nixos/controller.nix;
        default = ./nixos/node.nix;
      };
      overlays.default = final: _: { thymesh = final.callPackage ./package.nix { }; };
      packages =
        if ready then { ${builtins.readFile ../system} = { thymesh = program; default = program; }; }
        else forAll (system: rec {
          thymesh = (import pinned { inherit system; }).callPackage ./package.nix { };
          default = thymesh;
        });
    };
}
