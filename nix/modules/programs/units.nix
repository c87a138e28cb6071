# Programs of the modules bash and python as units: { nixos, portable }.
{
  thymesh,
  settings,
  # "bash": units are bash-NAME.service.
  kind,
  # pkgs: program: the command that runs a file, and the packages whose programs it may call
  interpreter,
}:
let
  inherit (builtins) concatStringsSep listToAttrs;
  name = one: "${kind}-${one.name}";
  description = one: if one.description == "" then "Program ${one.name}" else one.description;
  secret = one: if one.environmentSecret == null then { } else { EnvironmentFile = one.environmentSecret.path; };
  ready = one: if one.environmentSecret == null then [ ] else [ thymesh.systemd.secretsReady ];
  merged = builtins.foldl' (all: set: builtins.mapAttrs (key: value: all.${key} or { } // value) (all // set)) { };
in
{
  nixos = pkgs:
    let
      units = map
        (one:
          let
            # No reference to a package is lost: the script is a file in the store.
            file = pkgs.writeText (name one) one.script;
            run = interpreter pkgs one;
          in
          thymesh.schedule.nixos (name one) one.schedule {
            description = description one;
            after = [ "network.target" ] ++ ready one;
            path = run.packages;
            serviceConfig = { User = one.user; ExecStart = "${run.command} ${file}"; } // secret one;
          })
        settings.programs;
    in
    {
      systemd.services = merged (map (unit: unit.systemd.services) units);
      systemd.timers = merged (map (unit: unit.systemd.timers) units);
    };

  portable = pkgs: {
    etc = listToAttrs (map
      (one: { name = "thymesh-programs/${name one}"; value.text = one.script + (if one.script == "" then "" else "\n"); })
      settings.programs);
    units = builtins.foldl' (all: one: all // (
      let run = interpreter pkgs one;
      in
      thymesh.schedule.portable (name one) one.schedule {
        Unit = { Description = description one; After = [ "network.target" ] ++ ready one; };
        Service = {
          User = one.user;
          ExecStart = "${run.command} /etc/thymesh-programs/${name one}";
          Environment = "\"PATH=${concatStringsSep ":" (map (package: "${package}/bin") run.packages ++ [ "/usr/local/bin" "/usr/bin" "/bin" "/usr/sbin" "/sbin" ])}\"";
        } // secret one;
        restartTriggers = [ one.script ];
      }
    )) { } settings.programs;
  };
}
