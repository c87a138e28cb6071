# Networking on NixOS: scripted interfaces and wpa_supplicant.
{ settings, thymesh, ... }:
{ lib, pkgs, ... }:
let
  inherit (import ./wifi.nix { inherit settings thymesh; }) secretsFile secretsScript secrets passwordName;
  gateways = key: builtins.filter (one: one.isDefaultGateway && one.${key} != null) settings.static;
  first = key:
    let there = gateways key;
    in lib.mkIf (there != [ ]) { address = (builtins.head there).${key}; inherit (builtins.head there) interface; };
  addresses = address: length: one: if one.${address} == null then [ ] else [{ address = one.${address}; prefixLength = one.${length}; }];
  network = index: one: {
    name = one.ssid;
    value = { inherit (one) hidden; }
      // (if one.security == "psk" then { pskRaw = "ext:${passwordName index}"; inherit (one) authProtocols; } else { })
      // (if one.security == "custom" then { inherit (one) auth; } else { });
  };
in
{
  networking.firewall.allowedTCPPorts = settings.openTcpPorts;
  networking.firewall.allowedUDPPorts = settings.openUdpPorts;
  networking.nameservers = settings.nameservers;
  networking.timeServers = lib.mkIf (settings.timeServers != [ ]) settings.timeServers;
  networking.interfaces = builtins.listToAttrs (map
    (one: {
      name = one.interface;
      value = {
        ipv4.addresses = addresses "ipv4Address" "ipv4PrefixLength" one;
        ipv6.addresses = addresses "ipv6Address" "ipv6PrefixLength" one;
      };
    })
    settings.static);
  networking.defaultGateway = first "gateway";
  networking.defaultGateway6 = first "gateway6";

  networking.wireless = lib.mkIf (settings.wifi != [ ]) {
    enable = true;
    interfaces = [ settings.wifiInterface ];
    inherit secretsFile;
    networks = builtins.listToAttrs (lib.imap0 network settings.wifi);
  };
  systemd.services.thymesh-wifi-secrets = lib.mkIf (settings.wifi != [ ]) (thymesh.systemd.onceOnNixos {
    description = "Passwords of Wi-Fi networks";
    after = [ thymesh.systemd.secretsReady ];
    before = [ "wpa_supplicant-${settings.wifiInterface}.service" ];
    script = secretsScript;
    inherit secrets;
  });
  # Its sandbox holds the file of passwords that was there when it started: with a new one it starts anew.
  systemd.services."wpa_supplicant-${settings.wifiInterface}" = lib.mkIf (settings.wifi != [ ]) {
    partOf = [ "thymesh-wifi-secrets.service" ];
    wants = [ "thymesh-wifi-secrets.service" ];
  };
}
