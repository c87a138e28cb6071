{
  displayName = { en = "Device"; de = "Gerät"; };
  description = { en = "Name, time zone and language of the system"; de = "Name, Zeitzone und Sprache des Systems"; };
  category = "system";
  icon = "cpu";

  settings = {
    hostName = {
      type = "string";
      pattern = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
      patternHint = "lowercase letters, digits and inner hyphens, at most 63 characters";
      required = false;
      displayName = { en = "Host name"; de = "Rechnername"; };
      description = "In a system of one device, its own name if nothing is set; else the machine keeps the name that it has";
    };
    timeZone = {
      type = "string";
      pattern = "[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+)*";
      patternHint = "a time zone such as Europe/Berlin";
      required = false;
      example = "Europe/Berlin";
      displayName = { en = "Time zone"; de = "Zeitzone"; };
    };
    locale = {
      type = "string";
      pattern = "[A-Za-z]+(_[A-Z]+)?(\\.[A-Za-z0-9-]+)?(@[a-z]+)?";
      patternHint = "a locale such as en_US.UTF-8";
      required = false;
      example = "de_DE.UTF-8";
      displayName = { en = "Language and formats"; de = "Sprache und Formate"; };
    };
    keyMap = {
      type = "string";
      pattern = "[A-Za-z0-9_-]+";
      required = false;
      example = "de";
      displayName = { en = "Keyboard layout"; de = "Tastaturbelegung"; };
    };
    stateVersion = {
      type = "choice";
      choices = [ "24.05" "24.11" "25.05" "25.11" "26.05" ];
      default = "25.11";
      displayName = { en = "NixOS state version"; de = "NixOS-Zustandsversion"; };
      description = "The version of NixOS that the device was first installed with; it stays when the system is updated";
      on = [ "config" "device" ];
    };
  };

  nixos = { settings, device, ... }: { lib, ... }:
    let name = if settings.hostName != null then settings.hostName else if device != null then device.name else null;
    in
    {
      # "" lets the network, or what was there, name the machine.
      networking.hostName = if name == null then "" else name;
      time.timeZone = lib.mkIf (settings.timeZone != null) settings.timeZone;
      i18n.defaultLocale = lib.mkIf (settings.locale != null) settings.locale;
      console.keyMap = lib.mkIf (settings.keyMap != null) settings.keyMap;
      system.stateVersion = settings.stateVersion;
    };

  portable = { settings, device, thymesh, ... }:
    let
      inherit (thymesh.systemd) once;
      name = if settings.hostName != null then settings.hostName else if device != null then device.name else null;
      unit = wanted: key: value: if wanted == null then { } else { ${key} = value; };
    in
    {
      needs = if settings.keyMap == null then [ ] else [{ programs = [ "loadkeys" ]; package = "kbd"; }];
      # The kernel's name only: the distribution's /etc/hostname stays as it is.
      units = unit name "thymesh-host-name.service" (once {
        description = "Host name";
        # A container has its own name, but mostly can't write to /proc/sys; where nothing can set it, the name is not
        # worth the update.
        script = ''
          { printf '%s' ${thymesh.text.quote name} >/proc/sys/kernel/hostname; } 2>/dev/null || hostname ${thymesh.text.quote name} ||
            { [ "$(systemd-detect-virt --container)" != none ] && echo 'this container keeps the name that it was given'; }
        '';
      })
      // unit settings.timeZone "thymesh-time-zone.service" (once {
        description = "Time zone";
        script = "timedatectl set-timezone ${thymesh.text.quote settings.timeZone}";
      })
      // unit settings.keyMap "thymesh-key-map.service" (once {
        description = "Keyboard layout of the console";
        script = "loadkeys ${thymesh.text.quote settings.keyMap}";
      });
      etc = if settings.locale == null then { } else {
        "profile.d/thymesh-locale.sh".text = "export LANG=${thymesh.text.quote settings.locale}\n";
      };
    };
}
