# The settings of the module `updates`: what protocol/release/update-policy.ts knows.
let
  optional = type: min: max: displayName: description: { inherit type min max displayName description; required = false; };
  int = optional "int";
  cron = {
    type = "string";
    pattern = "[0-9A-Za-z*?,/#L-]+( [0-9A-Za-z*?,/#L-]+){4}";
    patternHint = "a cron expression of five fields, such as \"30 3 * * 1-5\"";
    example = "30 3 * * 1-5";
  };
  probes = {
    type = "list";
    maxLength = 32;
    displayName = { en = "Health probes"; de = "Gesundheitsproben"; };
    description = "Must succeed after an update; else the old generation comes back";
    elementName = { en = "Probe"; de = "Probe"; };
    of = {
      type = "group";
      settings = {
        kind = {
          type = "choice";
          choices = [
            { value = "unit"; displayName = { en = "A unit is active"; de = "Eine Unit ist aktiv"; }; }
            { value = "tcp"; displayName = { en = "A port takes a connection"; de = "Ein Port nimmt eine Verbindung an"; }; }
            { value = "http"; displayName = { en = "A URL answers"; de = "Eine URL antwortet"; }; }
            { value = "command"; displayName = { en = "A program ends well"; de = "Ein Programm endet gut"; }; }
          ];
          displayName = { en = "What"; de = "Was"; };
        };
        name = { type = "string"; minLength = 1; maxLength = 63; required = false; displayName = { en = "Name in reports"; de = "Name in Berichten"; }; };
        unit = { type = "string"; visible.kind = "unit"; pattern = "[a-zA-Z0-9:_.@][a-zA-Z0-9:_.@\\-]*\\.(service|socket|target|timer|path|mount|automount|swap|slice|scope)"; patternHint = "a unit's name, such as web.service"; displayName = { en = "Unit"; de = "Unit"; }; };
        host = { type = "string"; visible.kind = "tcp"; pattern = "[a-zA-Z0-9._:-]+"; required = false; displayName = { en = "Host"; de = "Rechner"; }; description = "The device itself, if nothing is set"; };
        port = import ../common/port.nix { en = "Port"; de = "Port"; } // { visible.kind = "tcp"; };
        url = { type = "string"; visible.kind = "http"; pattern = "https?://[^ \t\n/]+[^ \t\n]*"; patternHint = "a URL with http or https"; displayName = { en = "URL"; de = "URL"; }; };
        status = { type = "int"; visible.kind = "http"; min = 100; max = 599; required = false; displayName = { en = "Status"; de = "Status"; }; description = "Any from 200 to 299, if nothing is set"; };
        command = { type = "list"; of.type = "string"; visible.kind = "command"; minLength = 1; maxLength = 32; required = true; displayName = { en = "Program and arguments"; de = "Programm und Argumente"; }; };
        timeoutSeconds = int 1 300 { en = "Seconds for an answer"; de = "Sekunden für eine Antwort"; } "5, if nothing is set";
        intervalSeconds = int 1 300 { en = "Seconds between questions"; de = "Sekunden zwischen Fragen"; } "2, if nothing is set";
        successes = int 1 100 { en = "Good answers in a row"; de = "Gute Antworten nacheinander"; } "1, if nothing is set";
        withinSeconds = int 1 3600 { en = "Seconds until it has failed"; de = "Sekunden bis zum Scheitern"; } "60, if nothing is set";
      };
    };
  };
  windows = displayName: description: {
    type = "list";
    maxLength = 16;
    inherit displayName description;
    elementName = { en = "Window"; de = "Fenster"; };
    of = {
      type = "group";
      settings = {
        cron = cron // { displayName = { en = "Opens"; de = "Öffnet"; }; };
        minutes = { type = "int"; min = 1; max = 10080; displayName = { en = "Minutes"; de = "Minuten"; }; };
      };
    };
  };
in
{
  probes = probes;
  units = {
    type = "choice";
    required = false;
    choices = [
      { value = "compare"; displayName = { en = "None may fail that ran before"; de = "Keine darf scheitern, die vorher lief"; }; }
      { value = "ignore"; displayName = { en = "Only probes count"; de = "Nur Proben zählen"; }; }
    ];
    displayName = { en = "Units that fail"; de = "Units, die scheitern"; };
  };
  settleSeconds = int 0 3600 { en = "Seconds for failures to heal"; de = "Sekunden, in denen Fehler heilen dürfen"; } "30, if nothing is set";
  degraded = {
    type = "choice";
    required = false;
    choices = [
      { value = "roll-back"; displayName = { en = "Roll back"; de = "Zurückkehren"; }; }
      { value = "confirm"; displayName = { en = "Stay and say so"; de = "Bleiben und es sagen"; }; }
      { value = "hold"; displayName = { en = "Run, but don't boot it"; de = "Laufen, aber nicht starten"; }; }
    ];
    displayName = { en = "Units fail, all probes are well"; de = "Units scheitern, alle Proben sind gut"; };
  };
  deadlineSeconds = int 10 86400 { en = "Seconds until it must be confirmed"; de = "Sekunden bis zur Bestätigung"; } "600, if nothing is set; then the old generation comes back";
  peers = int 0 100 { en = "Peers that must answer after the switch"; de = "Peers, die danach antworten müssen"; } "1, if nothing is set; 0 for none";
  attempts = int 1 20 { en = "Attempts at one release"; de = "Versuche je Veröffentlichung"; } "3, if nothing is set";
  bootAttempts = int 1 20 { en = "Starts that may fail in a row"; de = "Starts, die nacheinander scheitern dürfen"; } "3, if nothing is set";
  keepGenerations = int 1 1000 { en = "Generations that are kept"; de = "Generationen, die bleiben"; } "5, if nothing is set";
  keepDays = int 0 3650 { en = "Days that generations are kept"; de = "Tage, die Generationen bleiben"; } "14, if nothing is set";
  collectGarbage = { type = "bool"; default = true; displayName = { en = "Sweep the store"; de = "Store aufräumen"; }; };
  collectAt = cron // { required = false; visible.collectGarbage = true; displayName = { en = "When the store is swept"; de = "Wann der Store aufgeräumt wird"; }; };
  reserveBytes = int 0 274877906944 { en = "Bytes that stay free"; de = "Bytes, die frei bleiben"; } "64 MiB, if nothing is set";
  windows = windows
    { en = "Maintenance windows"; de = "Wartungsfenster"; }
    "When a device may begin to update; at any time, if there are none";
  reboot = {
    type = "choice";
    required = false;
    choices = [
      { value = "never"; displayName = { en = "Never for an update"; de = "Nie für eine Aktualisierung"; }; }
      { value = "when-needed"; displayName = { en = "When an update needs it"; de = "Wenn eine Aktualisierung es braucht"; }; }
      { value = "always"; displayName = { en = "For every update"; de = "Für jede Aktualisierung"; }; }
    ];
    displayName = { en = "Reboot"; de = "Neustart"; };
    description = "On NixOS when-needed, if nothing is set; on the portable target never";
  };
  rebootWindows = windows
    { en = "Windows for updates that reboot"; de = "Fenster für Aktualisierungen mit Neustart"; }
    "When a device may reboot for an update; the maintenance windows, if there are none";
  timeZone = {
    type = "string";
    pattern = "[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+)*";
    patternHint = "a time zone such as Europe/Berlin";
    required = false;
    displayName = { en = "Time zone of the windows"; de = "Zeitzone der Fenster"; };
    description = "UTC, if nothing is set";
  };
}
