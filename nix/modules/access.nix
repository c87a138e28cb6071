{
  displayName = { en = "Users and access"; de = "Benutzer und Zugang"; };
  description = { en = "People, SSH keys, passwords and trusted certificates"; de = "Personen, SSH-Schlüssel, Passwörter und vertraute Zertifikate"; };
  category = "system";
  icon = "key";

  settings =
    let
      keys = {
        type = "list";
        of = {
          type = "string";
          pattern = "(ssh-|ecdsa-|sk-)[a-zA-Z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?|[a-z].* (ssh-|ecdsa-|sk-)[a-zA-Z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?";
          patternHint = "a public key such as \"ssh-ed25519 AAAA… name\"";
        };
        elementName = { en = "Key"; de = "Schlüssel"; };
      };
      password = { type = "secret"; allowed = [ "single-line" ]; processing = "yescrypt"; required = false; };
    in
    {
      users = {
        type = "list";
        key = "name";
        displayName = { en = "Users"; de = "Benutzer"; };
        elementName = { en = "User"; de = "Benutzer"; };
        of = {
          type = "group";
          settings = {
            name = { type = "string"; pattern = "[a-z_][a-z0-9_-]{0,30}"; patternHint = "a user's name"; displayName = { en = "Name"; de = "Name"; }; };
            fullName = { type = "string"; pattern = "[^:,]*"; default = ""; displayName = { en = "Full name"; de = "Voller Name"; }; };
            admin = { type = "bool"; default = false; displayName = { en = "Administrator"; de = "Verwalter"; }; description = "May become root by sudo"; };
            groups = {
              type = "list";
              of = { type = "string"; pattern = "[a-z_][a-z0-9_-]{0,30}"; patternHint = "a group's name"; };
              displayName = { en = "Groups"; de = "Gruppen"; };
              description = "Such as dialout, video or gpio";
            };
            keys = keys // { displayName = { en = "SSH keys"; de = "SSH-Schlüssel"; }; };
            password = password // { displayName = { en = "Password"; de = "Passwort"; }; };
          };
        };
      };
      rootKeys = keys // { displayName = { en = "SSH keys of root"; de = "SSH-Schlüssel von root"; }; };
      rootPassword = password // { displayName = { en = "Password of root"; de = "Passwort von root"; }; };
      ssh = { type = "bool"; default = true; displayName = { en = "SSH server"; de = "SSH-Server"; }; };
      passwordLogin = {
        type = "bool";
        default = false;
        visible.ssh = true;
        displayName = { en = "Passwords by SSH"; de = "Passwörter über SSH"; };
      };
      certificates = {
        type = "list";
        of = {
          type = "text";
          pattern = "[ \t\r\n]*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/= \t\r\n]+-----END CERTIFICATE-----[ \t\r\n]*";
          patternHint = "a certificate in PEM form";
        };
        displayName = { en = "Trusted certificates"; de = "Vertraute Zertifikate"; };
        description = "Certificate authorities that the system's programs trust";
        elementName = { en = "Certificate"; de = "Zertifikat"; };
      };
    };

  nixos = import ./access/nixos.nix;
  portable = import ./access/portable.nix;
}
