# A builder beside what the distribution has.
{ settings, system, thymesh, ... }:
let
  inherit (thymesh.text) lines;
  parts = import ./parts.nix { inherit settings system thymesh; };
  # The top levels of the portable target are built by the distribution's own programs.
  config = parts.config { tools = "/bin /usr /lib /lib64?"; };
  path = "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin";
  # Nix has as many builders at work as there are such users.
  users = ''
    getent group nixbld >/dev/null || groupadd --system nixbld
    number=1
    while [ "$number" -le ${toString settings.maxJobs} ]; do
      user=nixbld$number
      id "$user" >/dev/null 2>&1 || useradd --system --gid nixbld --groups nixbld --no-create-home --home-dir /var/empty --shell /usr/sbin/nologin "$user"
      number=$((number + 1))
    done
    # No password, and none that is locked: sshd lets keys in without PAM.
    id ${parts.account} >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /run/thymesh-builder --password '*' ${parts.account}
    usermod --shell ${parts.folder}/shell --expiredate "" ${parts.account}
  '';
in
{
  needs = [
    { programs = [ "nix-daemon" ]; package = "nix-bin"; }
    { programs = [ "sshd" ]; package = "openssh-server"; }
  ];
  etc."thymesh-builder/nix.conf".text = config;
  etc."thymesh-builder/shell" = {
    executable = true;
    text = lines [ "#!/bin/sh" "PATH=${path}" "export PATH" ] + "\n" + parts.shell "nix-daemon" + "\n";
  };
  units = {
    "thymesh-builder-users.service" = thymesh.systemd.once { description = "Users of the builder"; script = users; };
    "thymesh-builder.service" = {
      Unit = {
        Description = "Builds for operators";
        Requires = [ "thymesh-builder-users.service" ];
        After = [ "thymesh-builder-users.service" ];
      };
      Service = parts.service // {
        ExecStart = "/bin/sh -c 'exec nix-daemon'";
        Environment = [ "PATH=${path}" ]
          ++ map (name: thymesh.systemd.environment name parts.environment.${name}) (builtins.attrNames parts.environment);
      };
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ config ];
    };
  };
  # What was built stays in the store until it is swept. The account may own nothing else.
  leave.builder.script = "usermod --expiredate 1 ${parts.account} 2>/dev/null || true";
}
