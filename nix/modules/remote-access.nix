{
  displayName = { en = "Remote access"; de = "Fernzugang"; };
  description = {
    en = "What operators who are granted access need here: thymesh ssh, cp, run and forward. No port is opened";
    de = "Was berechtigte Operatoren hier brauchen: thymesh ssh, cp, run und forward. Kein Port wird geöffnet";
  };
  category = "system";
  icon = "terminal";

  settings.package = {
    type = "package";
    required = false;
    example = "openssh";
    displayName = { en = "Package with sshd"; de = "Paket mit sshd"; };
    description = "If nothing is set: on NixOS openssh; elsewhere that of the distribution, such as openssh-server";
  };

  nixos = { settings, ... }: { config, lib, pkgs, ... }: {
    environment.systemPackages = [ (if settings.package == null then pkgs.openssh else settings.package) ];
    # As the SSH server has them, which need not be there: sshd gives up its rights to this user.
    users.users.sshd = { isSystemUser = true; group = "sshd"; };
    users.groups.sshd = { };
    # Without it nobody gets into an account whose password is locked, as root's is here.
    security.pam.services = if config.services.openssh.enable then { } else { sshd.unixAuth = lib.mkDefault false; };
  };

  portable = { settings, thymesh, ... }: {
    packages = if settings.package == null then [ ] else [ settings.package ];
    needs = if settings.package == null then [{ programs = [ "sshd" ]; package = "openssh-server"; }] else [ ];
    units = if settings.package == null then { } else {
      "thymesh-remote-access.service" = thymesh.systemd.once {
        description = "The user of sshd";
        script = "id sshd >/dev/null 2>&1 || useradd --system --home-dir /run/sshd --no-create-home --shell /usr/sbin/nologin sshd";
      };
    };
  };
}
