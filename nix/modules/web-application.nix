{
  displayName = { en = "Web application"; de = "Webanwendung"; };
  description = { en = "A program that answers on a port, watched by a health probe"; de = "Ein Programm, das an einem Port antwortet, mit Gesundheitsprobe"; };
  category = "applications";
  icon = "globe";

  settings.applications = {
    type = "list";
    key = "name";
    displayName = { en = "Applications"; de = "Anwendungen"; };
    elementName = { en = "Application"; de = "Anwendung"; };
    of = {
      type = "group";
      settings = {
        name = { type = "string"; pattern = "[a-z0-9][a-z0-9-]{0,50}"; patternHint = "lowercase letters, digits and hyphens"; displayName = { en = "Name"; de = "Name"; }; };
        files = { type = "artifact"; kind = "folder"; required = false; displayName = { en = "Files"; de = "Dateien"; }; description = "A folder of artifacts/ in which the command runs"; };
        package = { type = "package"; required = false; displayName = { en = "Package"; de = "Paket"; }; description = "Its programs are found first"; };
        command = {
          type = "list";
          of.type = "string";
          minLength = 1;
          required = true;
          example = [ "python3" "-m" "http.server" "8080" ];
          displayName = { en = "Command"; de = "Befehl"; };
          description = "The program, looked for on the PATH unless it is a path, and its arguments";
        };
        port = import ./common/port.nix { en = "Port"; de = "Port"; } // { description = "Given to the program as PORT"; };
        healthPath = {
          type = "string";
          pattern = "/[^ \t\n]*";
          patternHint = "a path such as /healthz";
          required = false;
          displayName = { en = "Path of the health probe"; de = "Pfad der Gesundheitsprobe"; };
          description = "Must answer well after an update; if there is none, the port must take a connection";
        };
        inherit (import ./common/environment.nix) environment environmentSecret;
        openFirewall = { type = "bool"; default = true; displayName = { en = "Open the firewall"; de = "Firewall öffnen"; }; };
      };
    };
  };

  nixos = { settings, thymesh, ... }: { pkgs, ... }:
    let
      inherit (thymesh.systemd) command secretsReady;
      service = one: {
        name = "web-${one.name}";
        value = {
          description = "Web application ${one.name}";
          after = [ "network.target" ] ++ (if one.environmentSecret == null then [ ] else [ secretsReady ]);
          wantedBy = [ "multi-user.target" ];
          path = if one.package == null then [ ] else [ one.package ];
          environment = { PORT = toString one.port; } // builtins.listToAttrs (map (pair: { name = pair.key; inherit (pair) value; }) one.environment);
          serviceConfig = {
            Type = "exec";
            ExecStart = "${pkgs.coreutils}/bin/env ${command one.command}";
            Restart = "always";
            RestartSec = 2;
            DynamicUser = true;
            StateDirectory = "web-${one.name}";
          }
          // (if one.files == null then { } else { WorkingDirectory = "${one.files}"; })
          // (if one.environmentSecret == null then { } else { EnvironmentFile = one.environmentSecret.path; });
        };
      };
    in
    {
      systemd.services = builtins.listToAttrs (map service settings.applications);
      networking.firewall.allowedTCPPorts =
        map (one: one.port) (builtins.filter (one: one.openFirewall) settings.applications);
    };

  portable = { settings, thymesh, ... }:
    let
      inherit (thymesh.systemd) command environment secretsReady;
      path = one: builtins.concatStringsSep ":" ((if one.package == null then [ ] else [ "${one.package}/bin" ])
        ++ [ "/usr/local/bin" "/usr/bin" "/bin" ]);
      unit = one: {
        name = "web-${one.name}.service";
        value = {
          Unit = {
            Description = "Web application ${one.name}";
            After = [ "network.target" ] ++ (if one.environmentSecret == null then [ ] else [ secretsReady ]);
          };
          Service = {
            Type = "exec";
            ExecStart = "/usr/bin/env ${command one.command}";
            Environment = [ (environment "PATH" (path one)) (environment "PORT" one.port) ]
              ++ map (pair: environment pair.key pair.value) one.environment;
            Restart = "always";
            RestartSec = 2;
            DynamicUser = true;
            StateDirectory = "web-${one.name}";
          }
          // (if one.files == null then { } else { WorkingDirectory = "${one.files}"; })
          // (if one.environmentSecret == null then { } else { EnvironmentFile = one.environmentSecret.path; });
          wantedBy = [ "multi-user.target" ];
        };
      };
    in
    { units = builtins.listToAttrs (map unit settings.applications); };

  policy = { settings, ... }: {
    health.probes = map
      (one:
        if one.healthPath == null then { kind = "tcp"; inherit (one) name port; }
        else { kind = "http"; inherit (one) name; url = "http://127.0.0.1:${toString one.port}${one.healthPath}"; })
      settings.applications;
  };
}
