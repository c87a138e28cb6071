# Users and access on NixOS.
{ settings, thymesh, ... }:
{ lib, pkgs, ... }:
let
  passwords = import ./passwords.nix { inherit settings thymesh; };
  user = one: {
    inherit (one) name;
    value = {
      isNormalUser = true;
      description = one.fullName;
      extraGroups = (if one.admin then [ "wheel" ] else [ ]) ++ one.groups;
      openssh.authorizedKeys.keys = one.keys;
    };
  };
in
{
  users.users = lib.mkMerge [
    (builtins.listToAttrs (map user settings.users))
    { root.openssh.authorizedKeys.keys = settings.rootKeys; }
  ];
  # Those that no other module makes.
  users.groups = builtins.listToAttrs (map (name: { inherit name; value = { }; }) (builtins.concatMap (one: one.groups) settings.users));
  services.openssh.enable = settings.ssh;
  services.openssh.settings.PasswordAuthentication = settings.passwordLogin;
  services.openssh.settings.PermitRootLogin = if settings.passwordLogin then "yes" else "prohibit-password";
  # Without passwords nobody could become root.
  security.sudo.wheelNeedsPassword = lib.mkDefault (builtins.any (one: one.admin && one.password != null) settings.users);
  security.pki.certificates = settings.certificates;
  systemd.services.thymesh-passwords = lib.mkIf passwords.wanted (thymesh.systemd.onceOnNixos {
    description = "Passwords";
    after = [ thymesh.systemd.secretsReady ];
    path = [ pkgs.shadow ];
    inherit (passwords) script secrets;
  });
}
