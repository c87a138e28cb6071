# systemd units for a setting of the type `schedule`: a service that runs by a timer, or all the time.
let
  span = value: if builtins.isInt value then "${toString value}s" else value;
  optional = key: name: schedule: convert: if schedule ? ${key} then { ${name} = convert schedule.${key}; } else { };
in
rec {
  # Whether there is a timer; `always` needs none.
  timed = schedule: schedule.kind != "always";

  # The [Timer] section.
  timer = schedule:
    (if schedule.kind == "calendar" then
      { OnCalendar = schedule.calendar; Persistent = schedule.persistent or false; }
    else
      { OnUnitActiveSec = span schedule.every; OnBootSec = span (schedule.afterBoot or schedule.every); })
    // optional "accuracy" "AccuracySec" schedule span
    // optional "randomDelay" "RandomizedDelaySec" schedule span;

  # What the [Service] section needs beside what runs.
  service = schedule:
    if timed schedule then { Type = "oneshot"; } else { Type = "exec"; Restart = "always"; RestartSec = 5; };

  # The portable target's units of one program: { Unit?, Service, restartTriggers? } under a name.
  portable = name: schedule: unit: {
    "${name}.service" = unit // {
      Service = service schedule // unit.Service;
    } // (if timed schedule then { } else { wantedBy = [ "multi-user.target" ]; });
  } // (if ! timed schedule then { } else {
    "${name}.timer" = {
      Unit.Description = unit.Unit.Description or name;
      Timer = timer schedule;
      wantedBy = [ "timers.target" ];
    };
  });

  # NixOS's systemd.services and systemd.timers of one program.
  nixos = name: schedule: unit: {
    systemd.services.${name} = unit // {
      serviceConfig = service schedule // unit.serviceConfig;
    } // (if timed schedule then { } else { wantedBy = [ "multi-user.target" ]; });
    systemd.timers = if ! timed schedule then { } else {
      ${name} = { wantedBy = [ "timers.target" ]; timerConfig = timer schedule; };
    };
  };
}
