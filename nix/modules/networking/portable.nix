# Networking of the distribution's systemd-networkd, -resolved and -timesyncd, and its wpa_supplicant.
{ settings, thymesh, ... }:
let
  inherit (thymesh.systemd) argument once secretsReady;
  inherit (thymesh.text) lines;
  wifi = import ./wifi.nix { inherit settings thymesh; };
  when = condition: set: if condition then set else { };

  section = name: pairs: lines ([ "[${name}]" ] ++ builtins.concatMap
    (pair: if builtins.elemAt pair 1 == null then [ ] else [ "${builtins.elemAt pair 0}=${toString (builtins.elemAt pair 1)}" ])
    pairs) + "\n";
  address = ip: length: if ip == null then null else "${ip}/${toString length}";
  # Not the default: a route to the gateway's own network is there anyway.
  gateway = one: ip: if one.isDefaultGateway then ip else null;
  networkFile = one: {
    name = "systemd/network/10-thymesh-${one.interface}.network";
    value.text = section "Match" [ [ "Name" one.interface ] ] + "\n" + section "Network" [
      [ "Address" (address one.ipv4Address one.ipv4PrefixLength) ]
      [ "Address" (address one.ipv6Address one.ipv6PrefixLength) ]
      [ "Gateway" (gateway one one.gateway) ]
      [ "Gateway" (gateway one one.gateway6) ]
    ];
  };

  # wpa_supplicant's own form of a name: its bytes, whatever they are.
  network = index: one: lines (
    [ "network={" "  ssid=${builtins.toJSON one.ssid}" ]
    ++ (if one.hidden then [ "  scan_ssid=1" ] else [ ])
    ++ (if one.security == "psk" then [ "  psk=ext:${wifi.passwordName index}" "  key_mgmt=${builtins.concatStringsSep " " one.authProtocols}" ] else [ ])
    ++ (if one.security == "open" then [ "  key_mgmt=NONE" ] else [ ])
    ++ (if one.security == "custom" then [ one.auth ] else [ ])
    ++ [ "}" ]
  );
  indices = builtins.genList (index: index) (builtins.length settings.wifi);
  interface = settings.wifiInterface;
  wifiConfig = lines (
    [ "ext_password_backend=file:${wifi.secretsFile}" ]
    ++ map (index: network index (builtins.elemAt settings.wifi index)) indices
  ) + "\n";

  resolved = section "Resolve" [ [ "DNS" (builtins.concatStringsSep " " settings.nameservers) ] ];
  timesyncd = section "Time" [ [ "NTP" (builtins.concatStringsSep " " settings.timeServers) ] ];
  networks = builtins.listToAttrs (map networkFile settings.static);
  # A service that isn't there needs no news.
  tell = { description, script, triggers }: once { inherit description triggers; script = "${script} || true"; };
in
{
  needs = if settings.wifi == [ ] then [ ] else [{ programs = [ "/usr/sbin/wpa_supplicant" ]; package = "wpasupplicant"; }];
  etc = networks
  // when (settings.nameservers != [ ]) { "systemd/resolved.conf.d/thymesh.conf".text = resolved; }
  // when (settings.timeServers != [ ]) { "systemd/timesyncd.conf.d/thymesh.conf".text = timesyncd; }
  // when (settings.wifi != [ ]) {
    "wpa_supplicant/thymesh.conf".text = wifiConfig;
    "systemd/network/20-thymesh-${interface}.network".text =
      section "Match" [ [ "Name" interface ] ] + "\n" + section "Network" [ [ "DHCP" "yes" ] [ "IgnoreCarrierLoss" "3s" ] ];
  };
  units = when (settings.static != [ ]) {
    "thymesh-networks.service" = tell {
      description = "Fixed addresses";
      script = "networkctl reload && networkctl reconfigure ${builtins.concatStringsSep " " (map (one: one.interface) settings.static)}";
      triggers = map (name: networks.${name}.text) (builtins.attrNames networks);
    };
  }
  // when (settings.nameservers != [ ]) {
    "thymesh-name-servers.service" = tell { description = "Name servers"; script = "systemctl try-reload-or-restart systemd-resolved.service"; triggers = [ resolved ]; };
  }
  // when (settings.timeServers != [ ]) {
    "thymesh-time-servers.service" = tell { description = "Time servers"; script = "systemctl try-restart systemd-timesyncd.service"; triggers = [ timesyncd ]; };
  }
  // when (settings.wifi != [ ]) {
    "thymesh-wifi-secrets.service" = once { description = "Passwords of Wi-Fi networks"; script = wifi.secretsScript; after = [ secretsReady ]; };
    "thymesh-wifi.service" = {
      Unit = { Description = "Wi-Fi"; After = "thymesh-wifi-secrets.service"; Requires = "thymesh-wifi-secrets.service"; };
      Service = { ExecStart = "/usr/sbin/wpa_supplicant -c /etc/wpa_supplicant/thymesh.conf -i ${argument interface}"; Restart = "on-failure"; RestartSec = 5; };
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ wifiConfig ];
    };
  };
}
