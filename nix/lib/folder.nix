# The files of one folder of a project (or of an input) with one ending: name → { file, path }. None, if it isn't there.
{ root, name, ending, names, place ? "" }:
let
  inherit (import ./errors.nix) fail;
  there = (builtins.readDir root).${name} or null == "directory";
  entries = if there then builtins.readDir (root + "/${name}") else { };
  stem = entry: builtins.match "(.*)\\.${ending}" entry;
  item = entry:
    let
      file = "${place}${name}/${entry}";
      id = builtins.head (stem entry);
    in
    if builtins.match names id == null
    then fail file "the file's name can't be used: expected ${names}.${ending}"
    else { name = id; value = { inherit file; path = root + "/${name}/${entry}"; }; };
  wanted = builtins.filter
    (entry: stem entry != null && entries.${entry} != "directory")
    (builtins.attrNames entries);
in
builtins.listToAttrs (map item wanted)
