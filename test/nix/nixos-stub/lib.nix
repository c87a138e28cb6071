# As much of nixpkgs' `lib` as NixOS modules of this repository use: properties, options, types, and the merging of both.
rec {
  inherit (builtins) attrNames concatMap elem filter foldl' head isAttrs isBool isFunction isInt isList isString length listToAttrs map mapAttrs match;

  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkOptionDefault = mkOverride 1500;
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkAfter = content: content;
  mkOption = given: given // { _type = "option"; };
  mkEnableOption = what: mkOption { type = types.bool; default = false; description = "Whether to enable ${what}."; };
  imap0 = f: list: builtins.genList (index: f index (builtins.elemAt list index)) (length list);
  escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
  escapeShellArgs = list: builtins.concatStringsSep " " (map escapeShellArg list);
  makeBinPath = packages: builtins.concatStringsSep ":" (map (package: "${package}/bin") packages);
  licenses.asl20 = { };
  platforms.linux = [ ];

  show = builtins.concatStringsSep ".";
  places = defs: builtins.concatStringsSep ", " (map (def: def.file) defs);

  # Definitions without properties: [{ file, value, priority }].
  discharge = def@{ file, value, priority ? 100 }:
    if value._type or "" == "if" then (if value.condition then discharge (def // { value = value.content; }) else [ ])
    else if value._type or "" == "merge" then concatMap (one: discharge (def // { value = one; })) value.contents
    else if value._type or "" == "override" then discharge (def // { value = value.content; inherit (value) priority; })
    else [ (def // { inherit priority; }) ];

  # The same for sets of options, without asking whether a condition holds: which keys there are must not depend on it.
  pushDown = def@{ value, ... }:
    let within = content: wrap: map (one: one // { value = mapAttrs (_: wrap) one.value; }) (pushDown (def // { value = content; }));
    in
    if value._type or "" == "if" then within value.content (mkIf value.condition)
    else if value._type or "" == "override" then within value.content (mkOverride value.priority)
    else if value._type or "" == "merge" then concatMap (one: pushDown (def // { value = one; })) value.contents
    else [ def ];

  strongest = defs:
    let best = foldl' (a: def: if def.priority < a then def.priority else a) 9999 defs;
    in filter (def: def.priority == best) defs;

  # The values of a tree of options under definitions; `freeform` takes keys that no option has.
  evalTree = path: tree: freeform: raw:
    let
      defs = concatMap pushDown raw;
      wrong = filter (def: ! isAttrs def.value) defs;
      keys = attrNames (foldl' (all: def: all // def.value) { } defs);
      unknown = filter (key: ! tree ? ${key}) keys;
      at = key: map (def: def // { value = def.value.${key}; }) (filter (def: def.value ? ${key}) defs);
      known = mapAttrs
        (key: option:
          if option._type or "" == "option" then evalOption (path ++ [ key ]) option (at key)
          else evalTree (path ++ [ key ]) option null (at key))
        tree;
    in
    if wrong != [ ] then throw "The option `${show path}' is a set of options, but got a ${builtins.typeOf (head wrong).value}. Definition in ${places wrong}"
    else if unknown != [ ] && freeform == null then
      throw "The option `${show (path ++ [ (head unknown) ])}' does not exist. Definition in ${places (at (head unknown))}"
    else known // listToAttrs (map (key: { name = key; value = (freeform.nested or freeform).merge (path ++ [ key ]) (concatMap discharge (at key)); }) unknown);

  evalOption = path: option: raw:
    let
      defaults = if option ? default then [{ file = "the option itself"; value = option.default; priority = 1500; }] else [ ];
      defs = strongest (concatMap discharge raw ++ defaults);
    in
    if defs == [ ] then throw "The option `${show path}' is used but not defined."
    else option.type.merge path defs;

  checked = type: path: defs:
    let wrong = filter (def: ! type.check def.value) defs;
    in
    if wrong == [ ] then defs
    else throw "A definition for option `${show path}' is not of type `${type.name}'. Definition in ${places wrong}";

  simple = name: check: rec {
    inherit name check;
    merge = path: defs:
      let good = checked { inherit name check; } path defs;
      in
      if builtins.all (def: def.value == (head good).value) good then (head good).value
      else throw "The option `${show path}' has conflicting definitions in ${places defs}";
  };

  isPathLike = value: builtins.isPath value || isString value && match "/.*" value != null || value ? outPath;
  types = rec {
    bool = simple "boolean" isBool;
    int = simple "signed integer" isInt;
    port = simple "16 bit unsigned integer" (value: isInt value && value >= 0 && value <= 65535);
    ints.positive = simple "positive integer" (value: isInt value && value > 0);
    str = simple "string" isString;
    strMatching = pattern: simple "string matching ${pattern}" (value: isString value && match pattern value != null);
    enum = values: simple "one of ${builtins.toJSON values}" (value: elem value values);
    path = simple "path" isPathLike;
    package = simple "package" (value: value ? outPath || isString value && match "/nix/store/.*" value != null);
    anything = simple "anything" (_: true);
    raw = anything;
    lines = { name = "strings concatenated with line breaks"; check = isString; merge = path: defs: builtins.concatStringsSep "\n" (map (def: def.value) (checked lines path defs)); };
    either = a: b: simple "${a.name} or ${b.name}" (value: a.check value || b.check value);
    oneOf = all: foldl' either (head all) (builtins.tail all);
    nullOr = type: {
      name = "null or ${type.name}";
      check = value: value == null || type.check value;
      merge = path: defs: if builtins.all (def: def.value == null) defs then null else type.merge path defs;
    };
    listOf = type: {
      name = "list of ${type.name}";
      check = isList;
      merge = path: defs: concatMap
        (def: imap0 (index: value: type.merge (path ++ [ (toString index) ]) (discharge { inherit (def) file; inherit value; })) def.value)
        (checked (listOf type) path defs);
    };
    attrsOf = type: rec {
      name = "attribute set of ${type.name}";
      check = isAttrs;
      nested = type;
      merge = path: defs:
        let good = concatMap discharge (checked { inherit name check; } path defs); keys = attrNames (foldl' (all: def: all // def.value) { } good);
        in listToAttrs (concatMap
          (key:
            let at = concatMap (def: discharge { inherit (def) file; value = def.value.${key}; }) (filter (def: def.value ? ${key}) good);
            in if at == [ ] then [ ] else [{ name = key; value = type.merge (path ++ [ key ]) (strongest at); }])
          keys);
    };
    submodule = module: {
      name = "submodule";
      check = value: isAttrs value || isFunction value;
      merge = path: defs:
        let
          made = if isFunction module then module { name = builtins.elemAt path (length path - 1); } else module;
        in
        evalTree path (made.options or { }) (made.freeformType or null) (checked { name = "submodule"; check = isAttrs; } path defs);
    };
  };

  # A NixOS-like evaluation: { config, options, pkgs }.
  evalModules = { modules, args }:
    let
      load = file: module:
        let
          loaded = if builtins.isPath module || isString module then import module else module;
          place = if builtins.isPath module || isString module then toString module else file;
          value = if isFunction loaded then loaded (args // { inherit config; options = tree; }) else loaded;
          named = value._file or place;
          structured = value ? config || value ? options;
          own = removeAttrs value [ "_file" "imports" "options" "config" ];
        in
        if structured && own != { } then throw "${named}: has `config` or `options`, and beside them ${builtins.concatStringsSep ", " (attrNames own)}"
        else [{ file = named; options = value.options or { }; value = if structured then value.config or { } else own; }]
          ++ concatMap (load named) (value.imports or [ ]);
      all = concatMap (load "a module") modules;
      join = a: b: a // mapAttrs (key: value: if a ? ${key} && a.${key}._type or "" != "option" then join a.${key} value else value) b;
      tree = foldl' (sum: one: join sum one.options) { } all;
      config = evalTree [ ] tree null (map (one: { inherit (one) file value; }) all);
    in
    { inherit config; options = tree; inherit (args) pkgs; };
}
