{
  description = "Debian devices that Mender updated";

  # `thymesh` brings its own: --override-input thymesh path:…/nix
  inputs.thymesh.url = "path:../../../nix";

  outputs = { self, thymesh, ... }: thymesh.lib.mkFleet { project = self; };
}
