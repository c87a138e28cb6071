# The fields that configs, tags and devices share, checked; `file` is what errors name.
file:
let
  inherit (import ./errors.nix) fail list show;
  inherit (builtins) attrNames elem filter isAttrs isInt isList isString length;
  label = value: isString value && builtins.match "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?" value != null;
in
{
  text = key: value: if isString value then value else fail file "${key}: expected a string, got ${show value}";

  # As certificates and releases have names.
  name = key: value:
    if label value then value
    else fail file "${key}: expected lowercase letters, digits and inner hyphens, at most 63 characters, got ${show value}";

  oneOf = key: known: value:
    if elem value known then value else fail file "${key}: expected one of ${list known}, got ${show value}";

  flag = key: value: if builtins.isBool value then value else fail file "${key}: expected true or false, got ${show value}";

  whole = key: min: max: value:
    if isInt value && value >= min && value <= max then value
    else fail file "${key}: expected a whole number from ${toString min} to ${toString max}, got ${show value}";

  tags = tags: value:
    let
      missing = filter (tag: ! isString tag || ! tags ? ${tag}) value;
      twice = filter (tag: length (filter (other: other == tag) value) > 1) value;
    in
    if ! isList value then fail file "tags: expected a list of names of tags, got ${show value}"
    else if missing != [ ] then
      fail file "tags: there is no tags/${if isString (builtins.head missing) then builtins.head missing else show (builtins.head missing)}.json; the project has ${list (attrNames tags)}"
    else if twice != [ ] then fail file "tags: ${builtins.head twice} is there twice"
    else value;

  # Module name → its settings, both still to be looked at.
  modules = value:
    let wrong = filter (name: ! isAttrs value.${name}) (attrNames value);
    in
    if ! isAttrs value then fail file "modules: expected an object, module name → its settings, got ${show value}"
    else if wrong != [ ] then
      fail file "modules.${builtins.head wrong}: expected an object, got ${show value.${builtins.head wrong}}"
    else value;
}
