{
  displayName = "Web application";
  description = "A small HTTP server on Node.js that says what it runs";

  settings = {
    message = {
      type = "string";
      default = "hello";
      displayName = "Message";
      description = "What the page greets with";
    };
    port = {
      type = "int";
      default = 8080;
      displayName = "Port";
    };
  };

  portable = { settings, system, thymesh, project, ... }:
    let
      interpreter = import ../interpreter.nix { inherit thymesh system project; };

      # The application and a program that starts it: copied from app/, so that only a change there changes it.
      webApp = derivation {
        name = "web-app";
        inherit system;
        app = builtins.path { path = ../app; name = "web-app-source"; };
        inherit (interpreter) command;
        builder = "/bin/sh";
        args = [ "-eu" ../build-app.sh ];
        PATH = "/usr/bin:/bin";
      };

      config = builtins.toJSON { inherit (settings) message port; };
    in
    {
      units."web.service" = {
        Unit = {
          Description = "Web application";
          After = "network.target";
        };
        Service = {
          Type = "exec";
          ExecStart = "${interpreter.command} ${webApp}/server.mjs /etc/web/config.json";
          Restart = "on-failure";
          DynamicUser = true;
        };
        wantedBy = [ "multi-user.target" ];
        # It reads its configuration only when it starts.
        restartTriggers = [ config ];
      };
      etc."web/config.json".text = config + "\n";
      packages = [ webApp ];
    };
}
