{
  displayName = { en = "Collector"; de = "Sammler"; };
  description = "Takes what sensors report, and shows the latest values";
  category = "applications";

  settings.port = { type = "int"; min = 1; max = 65535; default = 8100; };

  portable = { settings, ... }: {
    etc."collector/collector.py".source = ../app/collector.py;
    units."collector.service" = {
      Unit = { Description = "Collector of sensors' values"; After = "network.target"; };
      Service = {
        Type = "exec";
        ExecStart = "/usr/bin/env python3 -u /etc/collector/collector.py ${toString settings.port}";
        DynamicUser = true;
        StateDirectory = "collector";
        Restart = "always";
      };
      wantedBy = [ "multi-user.target" ];
    };
  };

  # An update after which nobody takes the values is no good one.
  policy = { settings, ... }: {
    health.probes = [ { kind = "http"; name = "collector"; url = "http://127.0.0.1:${toString settings.port}/"; } ];
  };
}
