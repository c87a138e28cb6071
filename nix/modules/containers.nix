{
  displayName = { en = "Containers"; de = "Container"; };
  description = { en = "OCI containers, run by Podman"; de = "OCI-Container, betrieben von Podman"; };
  category = "applications";
  icon = "container";

  settings.containers = {
    type = "list";
    key = "name";
    displayName = { en = "Containers"; de = "Container"; };
    elementName = { en = "Container"; de = "Container"; };
    of = {
      type = "group";
      settings = {
        name = { type = "string"; pattern = "[a-z0-9][a-z0-9_-]{0,62}"; patternHint = "lowercase letters, digits, _ and -"; displayName = { en = "Name"; de = "Name"; }; };
        image = { type = "string"; pattern = "[^ \t\n]+"; example = "docker.io/library/nginx:1.27"; displayName = { en = "Image"; de = "Abbild"; }; };
        command = { type = "list"; of.type = "string"; displayName = { en = "Arguments"; de = "Argumente"; }; description = "In place of the image's own"; };
        ports = {
          type = "list";
          displayName = { en = "Ports"; de = "Ports"; };
          of = {
            type = "group";
            settings = {
              host = import ./common/port.nix { en = "On the device"; de = "Am Gerät"; };
              container = import ./common/port.nix { en = "In the container"; de = "Im Container"; };
              protocol = { type = "choice"; choices = [ "tcp" "udp" ]; default = "tcp"; displayName = { en = "Protocol"; de = "Protokoll"; }; };
            };
          };
        };
        volumes = {
          type = "list";
          displayName = { en = "Volumes"; de = "Volumes"; };
          of = {
            type = "group";
            settings = {
              host = { type = "string"; pattern = "[^:\n]+"; displayName = { en = "On the device"; de = "Am Gerät"; }; description = "A path, or the name of a volume"; };
              container = { type = "path"; pattern = "[^:\n]+"; displayName = { en = "In the container"; de = "Im Container"; }; };
              readOnly = { type = "bool"; default = false; displayName = { en = "Only to read"; de = "Nur zum Lesen"; }; };
            };
          };
        };
        inherit (import ./common/environment.nix) environment environmentSecret;
        labels = {
          type = "list";
          key = "key";
          displayName = { en = "Labels"; de = "Beschriftungen"; };
          of = {
            type = "group";
            settings = {
              key = { type = "string"; pattern = "[^= \t\n]+"; displayName = { en = "Name"; de = "Name"; }; };
              value = { type = "string"; displayName = { en = "Value"; de = "Wert"; }; };
            };
          };
        };
        dependsOn = {
          type = "list";
          of = { type = "string"; pattern = "[a-z0-9][a-z0-9_-]{0,62}"; patternHint = "a container's name"; };
          displayName = { en = "Starts after"; de = "Startet nach"; };
          description = "Other containers, without which this one doesn't run";
        };
        network = { type = "string"; pattern = "[^ \t\n]+"; required = false; example = "host"; displayName = { en = "Network"; de = "Netzwerk"; }; description = "`host` for the device's own; a network of its own, if nothing is set"; };
        user = { type = "string"; pattern = "[^ \t\n]+"; required = false; example = "1000:1000"; displayName = { en = "User"; de = "Benutzer"; }; };
        devices = {
          type = "list";
          of = { type = "string"; pattern = "/dev/[^ \t\n]+"; patternHint = "a device such as /dev/ttyUSB0, or /dev/a:/dev/b"; };
          displayName = { en = "Devices"; de = "Geräte"; };
        };
        capabilities = {
          type = "list";
          of = { type = "string"; pattern = "[A-Z_]+"; patternHint = "a capability such as NET_ADMIN"; };
          displayName = { en = "More rights (capabilities)"; de = "Weitere Rechte (Capabilities)"; };
        };
        privileged = { type = "bool"; default = false; displayName = { en = "All rights of the device"; de = "Alle Rechte am Gerät"; }; };
        registryLogin = { type = "secret"; allowed = [ "file" "multi-line" "single-line" ]; required = false; displayName = { en = "Login at the registry"; de = "Anmeldung an der Registry"; }; description = "The file that `podman login --authfile` writes"; };
        openFirewall = { type = "bool"; default = true; displayName = { en = "Open the firewall for its ports"; de = "Firewall für die Ports öffnen"; }; };
      };
    };
  };

  nixos = { settings, thymesh, ... }: { lib, ... }:
    let
      pairs = list: builtins.listToAttrs (map (one: { name = one.key; inherit (one) value; }) list);
      port = one: "${toString one.host}:${toString one.container}${if one.protocol == "udp" then "/udp" else ""}";
      volume = one: "${one.host}:${one.container}${if one.readOnly then ":ro" else ""}";
      container = one: {
        inherit (one) name;
        value = {
          inherit (one) image;
          cmd = one.command;
          ports = map port one.ports;
          volumes = map volume one.volumes;
          environment = pairs one.environment;
          environmentFiles = if one.environmentSecret == null then [ ] else [ one.environmentSecret.path ];
          labels = pairs one.labels;
          inherit (one) dependsOn;
          extraOptions = import ./containers/options.nix one;
        };
      };
      files = import ./containers/files.nix;
      secrets = one: if one.environmentSecret == null && one.registryLogin == null then [ ] else [ thymesh.systemd.secretsReady ];
      service = one: {
        name = "podman-${one.name}";
        value = { after = files one ++ secrets one; wants = secrets one; partOf = files one; };
      };
      opened = protocol: builtins.concatMap
        (one: if one.openFirewall then map (port: port.host) (builtins.filter (port: port.protocol == protocol) one.ports) else [ ])
        settings.containers;
    in
    {
      virtualisation.podman.enable = settings.containers != [ ];
      virtualisation.oci-containers.backend = "podman";
      virtualisation.oci-containers.containers = builtins.listToAttrs (map container settings.containers);
      systemd.services = builtins.listToAttrs (map service settings.containers);
      networking.firewall.allowedTCPPorts = opened "tcp";
      networking.firewall.allowedUDPPorts = opened "udp";
    };

  # Units as `podman generate systemd` wrote them. Quadlet would need a newer Podman, and its units are made by a
  # generator, which nobody compares when a generation changes.
  portable = { settings, thymesh, ... }:
    let
      inherit (thymesh.systemd) argument command secretsReady;
      run = one: [
        "podman" "run" "--rm" "--replace" "--detach" "--name=${one.name}" "--cgroups=no-conmon" "--sdnotify=conmon" "--log-driver=journald"
      ]
      ++ map (port: "--publish=${toString port.host}:${toString port.container}/${port.protocol}") one.ports
      ++ map (volume: "--volume=${volume.host}:${volume.container}${if volume.readOnly then ":ro" else ""}") one.volumes
      ++ map (pair: "--env=${pair.key}=${pair.value}") one.environment
      ++ (if one.environmentSecret == null then [ ] else [ "--env-file=${one.environmentSecret.path}" ])
      ++ map (pair: "--label=${pair.key}=${pair.value}") one.labels
      ++ import ./containers/options.nix one
      ++ [ one.image ]
      ++ one.command;
      files = import ./containers/files.nix;
      needed = one: map (name: "container-${name}.service") one.dependsOn;
      unit = one: {
        name = "container-${one.name}.service";
        value = {
          Unit = {
            Description = "Container ${one.name}";
            After = [ "network-online.target" ] ++ needed one ++ files one
              ++ (if one.environmentSecret == null && one.registryLogin == null then [ ] else [ secretsReady ]);
            Wants = "network-online.target";
          } // (if files one == [ ] then { } else { PartOf = files one; })
            // (if needed one == [ ] then { } else { Requires = needed one; });
          Service = {
            Type = "notify";
            NotifyAccess = "all";
            # The image may have to be fetched first.
            TimeoutStartSec = 900;
            ExecStart = "/usr/bin/env ${command (run one)}";
            ExecStop = "/usr/bin/env podman stop --ignore --time 10 ${argument one.name}";
            Restart = "always";
            RestartSec = 5;
          };
          wantedBy = [ "multi-user.target" ];
        };
      };
    in
    {
      units = builtins.listToAttrs (map unit settings.containers);
      needs = if settings.containers == [ ] then [ ] else [ "podman" ];
    };

}
