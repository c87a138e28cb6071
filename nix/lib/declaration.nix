# A module's settings as they are declared, checked and completed, as plain data (`thymesh.modules` shows them so):
#
#   key → { type, displayName, description, order, required, visible, on, default?, example?, …the type's own }
#
# Texts are sets of languages, `of` and `settings` are declarations themselves.
{ file }:
let
  inherit (import ./errors.nix) fail list show;
  inherit (import ./texts.nix) localised;
  types = import ./types.nix;
  inherit (builtins) attrNames elem elemAt filter genList isAttrs isBool isInt isList isString length listToAttrs map sort;

  common = [ "type" "displayName" "description" "default" "example" "required" "order" "visible" "on" ];
  levels = [ "device" "config" "tag" ];

  # { mode = "static"; } or { mode = [ "static" "dhcp" ]; }: all of these siblings must have one of these values.
  conditions = what: siblings: given:
    if ! isAttrs given then fail file "${what}: expected an object, another setting → its value or values, got ${show given}"
    else
      let checked = builtins.mapAttrs
        (key: values:
          if ! elem key siblings then fail file "${what}: there is no setting ${key} beside it; expected one of ${list siblings}"
          else if isList values then values else [ values ])
        given;
      in builtins.deepSeq checked checked;

  choice = what: siblings: one:
    let
      full = if isAttrs one then one else { value = one; };
      unknown = filter (key: ! elem key [ "value" "displayName" "visible" ]) (attrNames full);
    in
    if unknown != [ ] then fail file "${what}.choices: unknown ${list unknown}; expected one of value, displayName, visible"
    else if ! types.choice.check (full.value or null) then
      fail file "${what}.choices: expected values that are strings or whole numbers, got ${show (full.value or one)}"
    else {
      inherit (full) value;
      displayName = localised { inherit file; what = "${what}.choices.displayName"; } (full.displayName or (toString full.value));
      visible = conditions "${what}.choices.visible" siblings (full.visible or { });
    };

  # `siblings`: the keys of the settings that this one stands among, itself included.
  one = what: siblings: given:
    let
      typeName = given.type or (fail file "${what}: has no `type`");
      type = if isString typeName && types ? ${typeName} then types.${typeName} else
      fail file "${what}: unknown type ${show typeName}; expected one of ${list (attrNames types)}";
      unknown = filter (key: ! elem key common && ! type.options ? ${key}) (attrNames given);
      wrong = filter (key: given ? ${key} && ! type.options.${key}.check given.${key}) (attrNames type.options);
      own = listToAttrs (map (key: { name = key; value = given.${key}; }) (filter (key: given ? ${key}) (attrNames type.options)));
      on = given.on or levels;

      complete = own // {
        type = typeName;
        displayName = localised { inherit file; what = "${what}.displayName"; } (given.displayName or (keyOf what));
        description = localised { inherit file; what = "${what}.description"; } (given.description or "");
        required = given.required or (! given ? default && typeName != "list" && typeName != "group");
        visible = conditions "${what}.visible" siblings (given.visible or { });
        inherit on;
      }
      // (if given ? example then { inherit (given) example; } else { })
      // (if given ? default then { inherit (given) default; } else { })
      // (if given ? patternHint then { patternHint = localised { inherit file; what = "${what}.patternHint"; } given.patternHint; } else { })
      // (if given ? elementName then { elementName = localised { inherit file; what = "${what}.elementName"; } given.elementName; } else { })
      // (if typeName == "choice" && given ? choices then { choices = map (choice what siblings) given.choices; } else { })
      // (if typeName == "group" && given ? settings then { settings = all "${what}.settings" given.settings; } else { })
      // (if typeName == "list" && given ? of then { of = one "${what}.of" [ ] given.of; } else { });
    in
    if ! isAttrs given then fail file "${what}: expected an object such as { type = \"int\"; }, got ${show given}"
    # Asked first, so that a wrong type is one whatever else is wrong.
    else builtins.seq type (
      if unknown != [ ] then fail file "${what}: unknown ${list unknown}; expected one of ${list (common ++ attrNames type.options)}"
      else if wrong != [ ] then
        fail file "${what}.${builtins.head wrong}: expected ${type.options.${builtins.head wrong}.expected}, got ${show given.${builtins.head wrong}}"
      else if ! isBool complete.required then fail file "${what}.required: expected true or false, got ${show given.required}"
      else if given ? order && ! isInt given.order then fail file "${what}.order: expected a whole number, got ${show given.order}"
      else if ! isList on || on == [ ] || ! builtins.all (level: elem level levels) on then
        fail file "${what}.on: expected a list of ${list levels}, got ${show on}"
      else if typeName == "choice" && ! given ? choices then fail file "${what}.choices: must be set for the type choice"
      else if typeName == "list" && ! given ? of then fail file "${what}.of: must be set for the type list"
      else if typeName == "group" && ! given ? settings then fail file "${what}.settings: must be set for the type group"
      else if typeName == "list" && given ? key && ! (complete.of.settings or { }) ? ${given.key} then
        fail file "${what}.key: expected one of its elements' settings (${list (attrNames (complete.of.settings or { }))}), got ${show given.key}"
      else complete
    );

  keyOf = what:
    let parts = filter isString (builtins.split "\\." what);
    in elemAt parts (length parts - 1);

  # In the order of `order`, then as they stand in the file; the number says so to who sees only JSON.
  ordered = settings:
    let
      position = key:
        let found = builtins.unsafeGetAttrPos key settings;
        in if found == null then { line = 0; column = 0; } else found;
      order = key: let given = settings.${key}; in if isAttrs given && isInt (given.order or null) then given.order else 0;
      before = a: b:
        let pa = position a; pb = position b;
        in
        if order a != order b then order a < order b
        else if pa.line != pb.line then pa.line < pb.line
        else if pa.column != pb.column then pa.column < pb.column else a < b;
    in
    sort before (attrNames settings);

  all = what: settings:
    let
      keys = if isAttrs settings then ordered settings else [ ];
      bad = filter (key: builtins.match "[a-zA-Z][a-zA-Z0-9_-]*" key == null) keys;
      declared = listToAttrs (genList
        (index:
          let key = elemAt keys index;
          in { name = key; value = one "${what}.${key}" keys settings.${key} // { order = index; }; })
        (length keys));
      # What a setting's visibility depends on, however far; a setting among its own is a circle.
      reaches = seen: key: builtins.any
        (next: elem next seen || reaches (seen ++ [ next ]) next)
        (attrNames declared.${key}.visible);
      circles = filter (key: reaches [ key ] key) keys;
    in
    if ! isAttrs settings then
      fail file "${what}: expected an object of objects, such as { port = { type = \"int\"; }; }, got ${show settings}"
    else if bad != [ ] then fail file "${what}: expected keys of letters, digits, _ and -, got ${show (builtins.head bad)}"
    else if circles != [ ] then fail file "${what}.${builtins.head circles}.visible: depends on itself"
    else declared;
in
all "settings"
