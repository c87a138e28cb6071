{
  displayName = { en = "Updates"; de = "Aktualisierung"; };
  description = { en = "Health probes, and when and how a device takes a release"; de = "Gesundheitsproben, und wann und wie ein Gerät eine Veröffentlichung nimmt"; };
  category = "fleet";
  icon = "update";

  settings = import ./updates/settings.nix;

  # The daemon reads it in the release; the system itself needs nothing.
  nixos = _: { };
  portable = _: { };

  policy = { settings, ... }:
    let
      # What isn't set is left to the daemon's defaults.
      said = set: builtins.removeAttrs set (builtins.filter (key: set.${key} == null || set.${key} == { }) (builtins.attrNames set));
      probe = one: said ({ inherit (one) kind name timeoutSeconds intervalSeconds successes withinSeconds; } // {
        unit = { inherit (one) unit; };
        tcp = { inherit (one) host port; };
        http = { inherit (one) url status; };
        command = { inherit (one) command; };
      }.${one.kind});
      windowsOf = list: if list == [ ] then { } else {
        windows = map (one: said { inherit (one) cron minutes; inherit (settings) timeZone; }) list;
      };
      reboot = said { when = settings.reboot; } // windowsOf settings.rebootWindows;
    in
    said {
      health = said { inherit (settings) units settleSeconds; } // (if settings.probes == [ ] then { } else { probes = map probe settings.probes; });
      inherit (settings) degraded attempts bootAttempts;
      confirm = said { inherit (settings) deadlineSeconds peers; };
      keep = said { generations = settings.keepGenerations; days = settings.keepDays; };
      gc = if ! settings.collectGarbage then false else if settings.collectAt == null then null
        else said { cron = settings.collectAt; timeZone = settings.timeZone; };
      disk = said { inherit (settings) reserveBytes; };
    }
    // windowsOf settings.windows
    // (if reboot == { } then { } else { inherit reboot; });
}
