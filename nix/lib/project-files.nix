# A project's data files: { configs, tags, devices, rollout }, the first three name → { file, content }.
project:
let
  inherit (import ./errors.nix) fail;

  readJson = { file, path }:
    let value = builtins.fromJSON (builtins.readFile path);
    in
    builtins.addErrorContext "while reading ${file} as JSON" (
      # Editors take the schema of a file from it; it says nothing of the fleet.
      if builtins.isAttrs value then removeAttrs value [ "$schema" ] else fail file "expected a JSON object"
    );

  folder = name: names: builtins.mapAttrs
    (_: found: { inherit (found) file; content = readJson found; })
    (import ./folder.nix { root = project; ending = "json"; inherit name names; });

  rollout = project + "/rollout.json";
in
{
  # No dots in what becomes an attribute path on a command line.
  configs = folder "configs" "[a-zA-Z0-9][a-zA-Z0-9_-]*";
  tags = folder "tags" "[a-zA-Z0-9][a-zA-Z0-9_-]*";
  devices = folder "devices" "[a-zA-Z0-9][a-zA-Z0-9._-]*";
  # How releases spread; the controller knows its schema.
  rollout = if builtins.pathExists rollout then readJson { file = "rollout.json"; path = rollout; } else null;
}
