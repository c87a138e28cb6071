# The library for a project's flake and its modules (modules get it as the argument `thymesh`).
{
  mkFleet = import ./mk-fleet.nix;
  portable = import ../portable;
  inStore = import ./in-store.nix;
  systemd = import ./systemd.nix;
  text = import ./text.nix;
  schedule = import ./schedule.nix;
}
