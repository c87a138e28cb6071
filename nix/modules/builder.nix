{
  displayName = { en = "Builder"; de = "Bauer"; };
  description = {
    en = "Builds configs for operators who are granted it, such as those of other systems. Nothing that is built runs here";
    de = "Baut Konfigurationen für berechtigte Operatoren, etwa die anderer Systeme. Nichts davon läuft hier";
  };
  category = "fleet";
  icon = "nix";

  settings = {
    systems = {
      type = "list";
      maxLength = 6;
      of = { type = "choice"; choices = (import ../lib/systems.nix).systems; };
      displayName = { en = "Systems"; de = "Systeme"; };
      description = "The device's own, if none is set. It needs emulation for others (on Debian the package qemu-user-static)";
      elementName = { en = "System"; de = "System"; };
    };
    maxJobs = { type = "int"; min = 1; max = 64; default = 1; displayName = { en = "Derivations at a time"; de = "Derivationen zugleich"; }; };
    speed = { type = "int"; min = 1; max = 1000; default = 1; displayName = { en = "Speed"; de = "Geschwindigkeit"; }; description = "Beside other builders: the faster one is asked first"; };
    memoryMegabytes = { type = "int"; min = 64; max = 1048576; unit = "MiB"; required = false; displayName = { en = "Memory of all builds"; de = "Speicher aller Builds"; }; };
  };

  nixos = import ./builder/nixos.nix;
  portable = import ./builder/portable.nix;
}
