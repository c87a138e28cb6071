{
  description = "A ship with a weekly stick";

  # `thymesh` brings its own: --override-input thymesh path:…/nix
  inputs.thymesh.url = "path:../../nix";

  outputs = { self, thymesh, ... }: thymesh.lib.mkFleet { project = self; };
}
