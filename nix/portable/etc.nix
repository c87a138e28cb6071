# Checks the /etc files of a config: each { text, executable? } or { source }, by its path below /etc.
etc:
let
  inherit (import ../lib/errors.nix) fail list onlyKeys;
  paths = builtins.attrNames etc;

  # Kept for Thymesh itself: the link to what boots, the unit that starts it, and the list of our links.
  reserved = path:
    path == "thymesh" || builtins.match "thymesh/.*" path != null
    || builtins.match "systemd/system/(.*/)?thymesh-boot\\.service(/.*)?" path != null;
  plain = path:
    builtins.match "[^/\n]+(/[^/\n]+)*" path != null
    && builtins.match "(.*/)?\\.\\.?(/.*)?" path == null;

  # a and a/b can't both be.
  parts = path: builtins.filter builtins.isString (builtins.split "/" path);
  parents = path:
    let all = parts path;
    in
    builtins.genList
      (count: builtins.concatStringsSep "/" (builtins.genList (builtins.elemAt all) (count + 1)))
      (builtins.length all - 1);

  check = path: entry:
    let
      inherit (entry) file;
      what = "etc.\"${path}\"";
      below = builtins.filter (parent: etc ? ${parent}) (parents path);
      keys = onlyKeys { inherit file what; known = [ "file" "text" "source" "executable" ]; } entry;
    in
    if ! plain path then fail file "${what}: expected a path below /etc, without a leading slash, . or .."
    else if reserved path then fail file "${what}: the path is Thymesh's own"
    else if below != [ ] then fail file "${what}: lies below etc.\"${list below}\" of ${etc.${builtins.head below}.file}"
    else if (keys ? text) == (keys ? source) then fail file "${what}: expected either `text` or `source`"
    else if keys ? text && ! builtins.isString keys.text then fail file "${what}.text: expected a string"
    else if keys ? source && keys ? executable then fail file "${what}: `executable` goes with `text` only"
    else entry;
in
# All are checked before any is used.
builtins.deepSeq (map (path: builtins.seq (check path etc.${path}) null) paths) etc
