# A project's files: { configs, devices, modules }, each name → { file, content }.
project:
let
  inherit (import ./errors.nix) fail;

  # The files of one folder with one ending; a folder that isn't there is an empty one.
  folder = { name, ending, names, read }:
    let
      there = (builtins.readDir project).${name} or null == "directory";
      entries = if there then builtins.readDir (project + "/${name}") else { };
      stem = entry: builtins.match "(.*)\\.${ending}" entry;
      item = entry:
        let
          file = "${name}/${entry}";
          id = builtins.head (stem entry);
        in
        if builtins.match names id == null
        then fail file "the file's name can't be used: expected ${names}.${ending}"
        else { name = id; value = { inherit file; content = read file (project + "/${file}"); }; };
      wanted = builtins.filter
        (entry: stem entry != null && entries.${entry} != "directory")
        (builtins.attrNames entries);
    in
    builtins.listToAttrs (map item wanted);

  readJson = file: path:
    let value = builtins.fromJSON (builtins.readFile path);
    in
    builtins.addErrorContext "while reading ${file} as JSON" (
      if builtins.isAttrs value then value else fail file "expected a JSON object"
    );

  readModule = file: path:
    let value = import path;
    in if builtins.isAttrs value then value else fail file "expected an attribute set with `settings` and `portable`";
in
{
  # No dots in what becomes an attribute path on a command line.
  configs = folder { name = "configs"; ending = "json"; names = "[a-zA-Z0-9][a-zA-Z0-9_-]*"; read = readJson; };
  devices = folder { name = "devices"; ending = "json"; names = "[a-zA-Z0-9][a-zA-Z0-9._-]*"; read = readJson; };
  modules = folder { name = "modules"; ending = "nix"; names = "[a-zA-Z0-9][a-zA-Z0-9_-]*"; read = readModule; };
}
