# What the update module and its state scripts did: the program, its unit, and what must hold after an update.
{
  displayName = "Counter";
  description = "Counts visitors";

  settings.program = { type = "artifact"; kind = "file"; default = "counter.sh"; };

  portable = { settings, ... }: {
    units."counter.service" = {
      Unit.Description = "Counter";
      Service = { ExecStart = "/bin/sh ${settings.program}"; Restart = "on-failure"; StateDirectory = "counter"; };
      wantedBy = [ "multi-user.target" ];
    };
  };

  # ArtifactCommit_Enter: a script that fails rolled the update back. Here a probe does.
  policy = _: {
    health.probes = [
      { kind = "unit"; unit = "counter.service"; }
      { kind = "command"; command = [ "/usr/bin/test" "-s" "/var/lib/counter/count" ]; }
    ];
  };
}
