# Errors that name the file, what was expected and what came.
rec {
  fail = file: message: throw "${file}: ${message}";

  # A value as a person would write it in JSON; what JSON can't say, by its type.
  show = value:
    if builtins.elem (builtins.typeOf value) [ "string" "int" "bool" "float" "null" ]
    then builtins.toJSON value
    else "a ${builtins.typeOf value}";

  list = names: if names == [ ] then "none" else builtins.concatStringsSep ", " names;

  # The attribute set itself, if it has no other keys than the known ones.
  onlyKeys = { file, what, known }: value:
    let unknown = builtins.filter (key: ! builtins.elem key known) (builtins.attrNames value);
    in
    if ! builtins.isAttrs value then fail file "${what}: expected an attribute set, got ${show value}"
    else if unknown == [ ] then value
    else fail file "${what}: unknown ${list unknown}; expected one of ${list known}";
}
