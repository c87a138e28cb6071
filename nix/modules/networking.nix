{
  displayName = { en = "Networking"; de = "Netzwerk"; };
  description = { en = "Wi-Fi, fixed addresses, name and time servers"; de = "WLAN, feste Adressen, Namens- und Zeitserver"; };
  category = "system";
  icon = "network";

  settings = {
    wifi = {
      type = "list";
      key = "ssid";
      displayName = { en = "Wi-Fi networks"; de = "WLAN-Netze"; };
      elementName = { en = "Network"; de = "Netz"; };
      of = {
        type = "group";
        settings = {
          ssid = { type = "string"; minLength = 1; maxLength = 32; displayName = { en = "Name (SSID)"; de = "Name (SSID)"; }; };
          security = {
            type = "choice";
            choices = [
              { value = "psk"; displayName = { en = "Password (WPA2, WPA3)"; de = "Passwort (WPA2, WPA3)"; }; }
              { value = "open"; displayName = { en = "None"; de = "Keine"; }; }
              { value = "custom"; displayName = { en = "Lines of wpa_supplicant"; de = "Zeilen von wpa_supplicant"; }; }
            ];
            default = "psk";
            displayName = { en = "Protection"; de = "Schutz"; };
          };
          password = {
            type = "secret";
            allowed = [ "single-line" ];
            visible.security = "psk";
            displayName = { en = "Password"; de = "Passwort"; };
          };
          auth = {
            type = "code";
            language = "wpa_supplicant";
            visible.security = "custom";
            example = "key_mgmt=WPA-EAP\neap=TLS";
            displayName = { en = "Lines of wpa_supplicant"; de = "Zeilen von wpa_supplicant"; };
            description = "They stand in the store, where everyone on the device can read them: no passwords here";
          };
          authProtocols = {
            type = "list";
            of = { type = "choice"; choices = [ "WPA-PSK" "WPA-PSK-SHA256" "SAE" "FT-PSK" "FT-SAE" "WPA-EAP" "WPA-EAP-SHA256" ]; };
            default = [ "WPA-PSK" "WPA-PSK-SHA256" "SAE" ];
            visible.security = "psk";
            displayName = { en = "Protocols"; de = "Protokolle"; };
          };
          hidden = { type = "bool"; default = false; displayName = { en = "Hidden"; de = "Versteckt"; }; };
        };
      };
    };
    wifiInterface = {
      type = "string";
      pattern = "[a-zA-Z0-9_.-]{1,15}";
      default = "wlan0";
      displayName = { en = "Wi-Fi interface"; de = "WLAN-Schnittstelle"; };
    };
    static = {
      type = "list";
      key = "interface";
      displayName = { en = "Fixed addresses"; de = "Feste Adressen"; };
      elementName = { en = "Interface"; de = "Schnittstelle"; };
      of = {
        type = "group";
        settings = {
          interface = { type = "string"; pattern = "[a-zA-Z0-9_.-]{1,15}"; example = "eth0"; displayName = { en = "Interface"; de = "Schnittstelle"; }; };
          ipv4Address = { type = "string"; required = false; pattern = "[0-9]{1,3}(\\.[0-9]{1,3}){3}"; patternHint = "an IPv4 address"; example = "192.168.1.10"; displayName = { en = "IPv4 address"; de = "IPv4-Adresse"; }; };
          ipv4PrefixLength = { type = "int"; min = 0; max = 32; default = 24; displayName = { en = "IPv4 prefix length"; de = "IPv4-Präfixlänge"; }; };
          ipv6Address = { type = "string"; required = false; pattern = "[0-9a-fA-F:.]+"; patternHint = "an IPv6 address"; example = "fd00::10"; displayName = { en = "IPv6 address"; de = "IPv6-Adresse"; }; };
          ipv6PrefixLength = { type = "int"; min = 0; max = 128; default = 64; displayName = { en = "IPv6 prefix length"; de = "IPv6-Präfixlänge"; }; };
          gateway = { type = "string"; required = false; pattern = "[0-9]{1,3}(\\.[0-9]{1,3}){3}"; patternHint = "an IPv4 address"; displayName = { en = "IPv4 gateway"; de = "IPv4-Gateway"; }; };
          gateway6 = { type = "string"; required = false; pattern = "[0-9a-fA-F:.]+"; patternHint = "an IPv6 address"; displayName = { en = "IPv6 gateway"; de = "IPv6-Gateway"; }; };
          isDefaultGateway = { type = "bool"; default = true; displayName = { en = "Way to everywhere"; de = "Weg nach überall"; }; description = "Whether its gateway is the default one"; };
        };
      };
    };
    openTcpPorts = {
      type = "list";
      of = { type = "int"; min = 1; max = 65535; };
      displayName = { en = "Open TCP ports"; de = "Offene TCP-Ports"; };
      description = "In NixOS's firewall; another target's is its own";
    };
    openUdpPorts = {
      type = "list";
      of = { type = "int"; min = 1; max = 65535; };
      displayName = { en = "Open UDP ports"; de = "Offene UDP-Ports"; };
      description = "In NixOS's firewall; another target's is its own";
    };
    nameservers = {
      type = "list";
      of = { type = "string"; pattern = "[0-9a-fA-F:.]+"; patternHint = "an IP address"; };
      displayName = { en = "Name servers (DNS)"; de = "Namensserver (DNS)"; };
      elementName = { en = "Server"; de = "Server"; };
    };
    timeServers = {
      type = "list";
      of = { type = "string"; pattern = "[a-zA-Z0-9.:-]+"; patternHint = "a host name or an IP address"; };
      displayName = { en = "Time servers (NTP)"; de = "Zeitserver (NTP)"; };
      elementName = { en = "Server"; de = "Server"; };
    };
  };

  nixos = import ./networking/nixos.nix;
  portable = import ./networking/portable.nix;
}
