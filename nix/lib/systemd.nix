# Helpers for units' texts.
let
  inherit (builtins) concatStringsSep replaceStrings;
in
rec {
  # One argument of an Exec line, whatever it contains: systemd's own quoting, and neither % nor $ mean anything in it.
  argument = text: "\"${replaceStrings [ "\\" "\"" "\n" "%" "$" ] [ "\\\\" "\\\"" "\\n" "%%" "$$" ] (toString text)}\"";

  # A command line of a program and its arguments.
  command = words: concatStringsSep " " (map argument words);

  # A command that the shell runs.
  shell = script: "/bin/sh -euc ${argument script}";

  # One assignment of an Environment line.
  environment = name: value: "\"${replaceStrings [ "\\" "\"" "\n" "%" ] [ "\\\\" "\\\"" "\\n" "%%" ] "${name}=${toString value}"}\"";

  # A oneshot that stays active, so that it runs again when it changes.
  once = { description, script, after ? [ ], before ? [ ], triggers ? [ ] }: {
    Unit = { Description = description; } // (if after == [ ] then { } else { After = after; Wants = after; })
      // (if before == [ ] then { } else { Before = before; });
    Service = { Type = "oneshot"; RemainAfterExit = true; ExecStart = shell script; };
    wantedBy = [ "multi-user.target" ];
    restartTriggers = [ script ] ++ triggers;
  };

  # The same for NixOS's systemd.services. There the script is a file of its own: `secrets` are the paths of those that it
  # reads, by which the daemon finds the unit when one is rotated.
  onceOnNixos = { description, script, after ? [ ], before ? [ ], path ? [ ], secrets ? [ ] }: {
    inherit description script after before path;
    wants = after;
    unitConfig = if secrets == [ ] then { } else { X-Thymesh-Secrets = secrets; };
    wantedBy = [ "multi-user.target" ];
    serviceConfig = { Type = "oneshot"; RemainAfterExit = true; };
  };

  # What units that read secrets come after: the daemon decrypts before it switches, and this at the start of the machine.
  secretsReady = "thymesh-secrets.service";
}
