{
  displayName = { en = "Files"; de = "Dateien"; };
  description = { en = "Secrets and artifacts at their places, with owner and mode"; de = "Geheimnisse und Artefakte an ihren Plätzen, mit Besitzer und Rechten"; };
  category = "system";
  icon = "file";

  settings =
    let
      account = default: names: { type = "string"; pattern = "[a-z_][a-z0-9_.-]{0,30}"; inherit default; displayName = names; };
      path = {
        type = "path";
        pattern = "/[^/\n ]+(/[^/\n ]+)*";
        patternHint = "an absolute path without blanks";
        displayName = { en = "Path on the device"; de = "Pfad auf dem Gerät"; };
      };
      owner = account "root" { en = "Owner"; de = "Besitzer"; };
      group = account "root" { en = "Group"; de = "Gruppe"; };
      mode = default: { type = "string"; pattern = "0[0-7]{3}"; patternHint = "a mode such as 0644"; inherit default; displayName = { en = "Mode"; de = "Rechte"; }; };
    in
    {
      secrets = {
        type = "list";
        key = "path";
        displayName = { en = "Secrets"; de = "Geheimnisse"; };
        elementName = { en = "Secret"; de = "Geheimnis"; };
        of = {
          type = "group";
          settings = {
            secret = {
              type = "secret";
              displayName = { en = "Secret"; de = "Geheimnis"; };
              description = "Its name, or { secret, owner, group, mode } for the file";
            };
            path = path;
          };
        };
      };
      artifacts = {
        type = "list";
        key = "path";
        displayName = { en = "Artifacts"; de = "Artefakte"; };
        elementName = { en = "Artifact"; de = "Artefakt"; };
        of = {
          type = "group";
          settings = {
            artifact = { type = "artifact"; displayName = { en = "Artifact"; de = "Artefakt"; }; };
            path = path;
            owner = owner;
            group = group;
            mode = mode "0644" // { description = "Of a file; folders and what is in them keep their own"; };
          };
        };
      };
    };

  nixos = { settings, thymesh, ... }: { lib, ... }:
    let files = import ./files/script.nix { inherit settings thymesh; };
    in {
      systemd.services.thymesh-files = lib.mkIf files.wanted (thymesh.systemd.onceOnNixos {
        description = "Files of the config";
        inherit (files) script after;
      });
    };

  portable = { settings, thymesh, ... }:
    let files = import ./files/script.nix { inherit settings thymesh; };
    in {
      units = if ! files.wanted then { } else {
        "thymesh-files.service" = thymesh.systemd.once {
          description = "Files of the config";
          inherit (files) script after;
        };
      };
      leave = if ! files.wanted then { } else { files.script = files.leave; };
    };
}
