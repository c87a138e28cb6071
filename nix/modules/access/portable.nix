# Users and access beside what the distribution has: accounts are made, and locked when they are no longer declared.
{ settings, thymesh, ... }:
let
  inherit (thymesh.systemd) once secretsReady;
  inherit (thymesh.text) quote lines;
  passwords = import ./passwords.nix { inherit settings thymesh; };
  accounts = import ./accounts.nix { inherit settings thymesh passwords; };
  when = condition: set: if condition then set else { };
  admins = builtins.filter (one: one.admin) settings.users;
  withKeys = builtins.filter (one: one.keys != [ ]) (settings.users ++ [{ name = "root"; keys = settings.rootKeys; }]);
  keyFile = one: { name = "ssh/authorized_keys.d/thymesh/${one.name}"; value.text = lines one.keys + "\n"; };

  # sshd takes no keys from below /nix/store, whose group may write there; what a command prints is another matter.
  sshd = ''
    AuthorizedKeysCommand /bin/cat /etc/ssh/authorized_keys.d/thymesh/%u
    AuthorizedKeysCommandUser nobody
    PasswordAuthentication ${if settings.passwordLogin then "yes" else "no"}
    PermitRootLogin ${if settings.passwordLogin then "yes" else "prohibit-password"}
  '';
  certificate = index: {
    name = "ssl/thymesh/${toString index}.crt";
    value.text = builtins.elemAt settings.certificates index;
  };
  numbers = builtins.genList (index: index) (builtins.length settings.certificates);
  # Debian and its kin, then Fedora's.
  trust = ''
    if command -v update-ca-certificates >/dev/null; then
      mkdir -p /usr/local/share/ca-certificates/thymesh
      rm -f /usr/local/share/ca-certificates/thymesh/*.crt
      cp /etc/ssl/thymesh/*.crt /usr/local/share/ca-certificates/thymesh/
      update-ca-certificates
    elif command -v update-ca-trust >/dev/null; then
      rm -f /etc/pki/ca-trust/source/anchors/thymesh-*.crt
      for file in /etc/ssl/thymesh/*.crt; do cp "$file" "/etc/pki/ca-trust/source/anchors/thymesh-''${file##*/}"; done
      update-ca-trust
    else
      echo 'expected update-ca-certificates or update-ca-trust, found neither' >&2; exit 1
    fi
  '';
in
{
  # Without keys and passwords nobody would log in.
  needs = (if settings.ssh && (withKeys != [ ] || settings.passwordLogin) then [{ programs = [ "sshd" ]; package = "openssh-server"; }] else [ ])
    ++ (if settings.certificates == [ ] then [ ] else [{ programs = [ "update-ca-certificates" "update-ca-trust" ]; package = "ca-certificates"; }]);

  etc = when settings.ssh ({ "ssh/sshd_config.d/10-thymesh.conf".text = sshd; } // builtins.listToAttrs (map keyFile withKeys))
    // when (admins != [ ]) {
    "sudoers.d/thymesh".text = lines (map
      (one: "${one.name} ALL=(ALL:ALL) ${if one.password == null then "NOPASSWD:" else ""}ALL")
      admins) + "\n";
  }
    // builtins.listToAttrs (map certificate numbers);

  units = when (settings.users != [ ]) {
    "thymesh-users.service" = once {
      description = "Users";
      script = accounts.users;
    };
  }
  // when passwords.wanted {
    "thymesh-passwords.service" = once {
      description = "Passwords";
      after = [ "thymesh-users.service" secretsReady ];
      script = accounts.passwords;
    };
  }
  // when settings.ssh {
    "thymesh-ssh.service" = once {
      description = "Settings of the SSH server";
      script = "systemctl try-reload-or-restart ssh.service sshd.service 2>/dev/null || true";
      triggers = [ sshd ];
    };
  }
  // when (settings.certificates != [ ]) {
    "thymesh-certificates.service" = once { description = "Trusted certificates"; script = trust; triggers = settings.certificates; };
  };

  leave = when (settings.users != [ ]) { users.script = accounts.leaveUsers; }
    // when passwords.wanted { passwords.script = accounts.leavePasswords; };
}
