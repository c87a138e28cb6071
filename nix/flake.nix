{
  description = "Thymesh: fleets of Linux devices declared in Nix, managed without a server";

  # No inputs: a project needs neither nixpkgs nor the network to be evaluated.
  outputs = { self }: { lib = import ./lib; };
}
