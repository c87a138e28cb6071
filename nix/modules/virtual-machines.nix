{
  displayName = { en = "Virtual machines"; de = "Virtuelle Maschinen"; };
  description = {
    en = "Guests of the device: containers and machines in QEMU, each a device of the fleet with a config of its own";
    de = "Gäste des Geräts: Container und Maschinen in QEMU, jeder ein Gerät der Flotte mit eigener Konfiguration";
  };
  category = "fleet";
  icon = "server";

  settings.guests = {
    type = "list";
    key = "name";
    maxLength = 64;
    displayName = { en = "Guests"; de = "Gäste"; };
    elementName = { en = "Guest"; de = "Gast"; };
    of = {
      type = "group";
      settings = import ./virtual-machines/guest.nix;
    };
  };

  nixos = import ./virtual-machines/nixos.nix;
  portable = import ./virtual-machines/portable.nix;
  # It says nothing: what no guest can be is found where a release is checked, not only where it is built.
  policy = { settings, project, config, device, thymesh, ... }:
    builtins.seq (import ./virtual-machines/parts.nix { inherit settings project config device thymesh; }).possible { };
}
