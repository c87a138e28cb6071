# Errors that name the file, the key, what was expected and what came.
rec {
  fail = file: message: throw "${file}: ${message}";

  # A value as a person would write it in JSON; long ones and what JSON can't say, by their type.
  show = value:
    let
      kind = builtins.typeOf value;
      article = if builtins.elem kind [ "int" ] then "an" else "a";
    in
    if builtins.elem kind [ "string" "int" "bool" "float" "null" ]
    then
      let text = builtins.toJSON value;
      in if builtins.stringLength text <= 200 then text else "${builtins.substring 0 200 text}… (${toString (builtins.stringLength value)} characters)"
    else if kind == "set" then "an object"
    else "${article} ${kind}";

  list = names: if names == [ ] then "none" else builtins.concatStringsSep ", " names;

  # The attribute set itself, if it has no other keys than the known ones.
  onlyKeys = { file, what, known }: value:
    let unknown = builtins.filter (key: ! builtins.elem key known) (builtins.attrNames value);
    in
    if ! builtins.isAttrs value then fail file "${what}: expected an object, got ${show value}"
    else if unknown == [ ] then value
    else fail file "${what}: unknown ${list unknown}; expected one of ${list known}";

  # A value with all that is in it evaluated, up to packages: so an error comes while its context still holds.
  forced = value:
    let
      force = one:
        if builtins.isAttrs one then (if one ? outPath then one.outPath else builtins.foldl' (_: key: builtins.seq (force one.${key}) null) null (builtins.attrNames one))
        else if builtins.isList one then builtins.foldl' (_: item: builtins.seq (force item) null) null one
        else one;
    in
    builtins.seq (force value) value;
}
