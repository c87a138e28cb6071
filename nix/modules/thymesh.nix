{
  displayName = { en = "Thymesh"; de = "Thymesh"; };
  description = { en = "The daemon itself: its part in the mesh, what it gives and keeps"; de = "Der Dienst selbst: sein Teil im Mesh, was er gibt und behält"; };
  category = "fleet";
  icon = "mesh";

  settings =
    let int = min: displayName: description: { type = "int"; required = false; inherit min displayName description; };
    in
    {
      package = {
        type = "package";
        required = false;
        example = "thymesh-program/thymesh";
        displayName = { en = "Package with the daemon"; de = "Paket mit dem Dienst"; };
        description = "A release brings the daemon and takes it back. If nothing is set: on NixOS built from thymesh-source; elsewhere the one that is installed on the machine";
      };
      bootstrap = {
        type = "list";
        of = { type = "string"; pattern = "/[^ \t\n]+"; patternHint = "a multiaddr such as /dns4/hub.example.org/tcp/4460"; };
        maxLength = 64;
        displayName = { en = "Peers with a fixed address"; de = "Peers mit fester Adresse"; };
        elementName = { en = "Address"; de = "Adresse"; };
      };
      port = import ./common/port.nix { en = "Port"; de = "Port"; } // { default = 4460; };
      mdns = { type = "bool"; default = true; displayName = { en = "Look for peers on the local network"; de = "Peers im lokalen Netz suchen"; }; };
      portMapping = {
        type = "bool";
        default = false;
        displayName = { en = "Ask the router for a port"; de = "Den Router um einen Port bitten"; };
        description = "So that others reach the device from outside its NAT: by PCP, NAT-PMP or UPnP";
      };
      dht = {
        type = "choice";
        choices = [ "client" "server" "off" ];
        default = "client";
        displayName = { en = "Part in the directory of addresses (DHT)"; de = "Teil am Adressverzeichnis (DHT)"; };
      };
      clock = {
        type = "choice";
        choices = [
          { value = "system"; displayName = { en = "It can be trusted"; de = "Man kann ihr glauben"; }; }
          { value = "none"; displayName = { en = "Nothing keeps the time"; de = "Nichts hält die Zeit"; }; }
        ];
        required = false;
        displayName = { en = "The device's clock"; de = "Die Uhr des Geräts"; };
      };
      uploadBytesPerSecond = int 1000 { en = "Upload, bytes a second"; de = "Upload, Bytes je Sekunde"; } "To all others together; no limit, if nothing is set";
      uploadPeers = int 1 { en = "Peers served at a time"; de = "Peers zur gleichen Zeit"; } "16, if nothing is set";
      stagingBytes = int 1000000 { en = "Disk for what is in flight, bytes"; de = "Platz für Unfertiges, Bytes"; } "8 GiB, if nothing is set";
      cache = { type = "bool"; default = true; displayName = { en = "Binary cache on loopback"; de = "Binärer Cache auf Loopback"; }; };
      cachePort = import ./common/port.nix { en = "Port of the binary cache"; de = "Port des binären Caches"; } // { default = 4461; visible.cache = true; };
      metrics = { type = "bool"; default = true; displayName = { en = "Record metrics"; de = "Messwerte aufzeichnen"; }; };
      metricsPort = import ./common/port.nix { en = "Port for Prometheus on loopback"; de = "Port für Prometheus auf Loopback"; } // {
        required = false;
        description = "None, if nothing is set";
        visible.metrics = true;
      };
      metricsScrape = {
        type = "list";
        of = { type = "int"; min = 1; max = 65535; };
        maxLength = 16;
        displayName = { en = "Ports of exporters that controllers may read"; de = "Ports von Exportern, die Controller lesen dürfen"; };
        elementName = { en = "Port"; de = "Port"; };
        visible.metrics = true;
      };
      log = {
        type = "choice";
        choices = [ "fatal" "error" "warn" "info" "debug" "trace" "silent" ];
        default = "info";
        displayName = { en = "Log"; de = "Protokoll"; };
      };
      sticks = { type = "bool"; default = false; displayName = { en = "Take in bundles from USB sticks"; de = "Bundles von USB-Sticks annehmen"; }; };
      stickHook = {
        type = "string";
        required = false;
        pattern = "/[^ \t\n%$\"'\\]+";
        patternHint = "the absolute path of a program, without spaces and quotes";
        displayName = { en = "Program that is told how far a stick is"; de = "Programm, das den Stand eines Sticks erfährt"; };
        visible.sticks = true;
      };
      openFirewall = { type = "bool"; default = true; displayName = { en = "Open the firewall for it"; de = "Firewall dafür öffnen"; }; };
    };

  nixos = { settings, thymesh, ... }: {
    services.thymesh.node = (if settings.package == null then { } else { inherit (settings) package; }) // {
      enable = true;
      inherit (settings) port openFirewall sticks stickHook;
      settings = import ./thymesh/node-settings.nix settings;
    };
  };

  # The daemon reads it beneath its own /etc/thymesh/node.json, which has the join token and isn't the config's.
  portable = { settings, ... }:
    let
      sticks = if settings.sticks then import ./thymesh/portable-sticks.nix settings else { units = { }; etc = { }; };
      daemon = if settings.package == null then { } else { "thymesh.service" = import ./thymesh/daemon.nix settings.package; };
    in
    {
      units = sticks.units // daemon;
      etc = sticks.etc // {
        "thymesh-node.json".text = builtins.toJSON (import ./thymesh/node-settings.nix settings) + "\n";
      };
    };
}
