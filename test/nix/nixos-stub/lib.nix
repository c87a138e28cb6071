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
  filterAttrs = keep: set: removeAttrs set (filter (name: ! keep name set.${name}) (attrNames set));
  fetchers.proxyImpureEnvVars = [ "https_proxy" ];
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
    else known // listToAttrs (map (key: { name = key; value = (freeform.nested or freeform).merge (path ++ [ key ]) (strongest (concatMap discharge (at key))); }) unknown);

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

  # As NixOS's documentation writes one type within another: in parentheses, unless it is of a class that needs none.
  within = classes: type: if elem (type.class or "noun") classes then type.name else "(${type.name})";

  # A type by another name, which refuses more.
  narrowed = type: name: check: simple name (value: type.check value && check value);

  isPathLike = value: builtins.isPath value || isString value && match "/.*" value != null || value ? outPath;
  types = rec {
    bool = simple "boolean" isBool;
    int = simple "signed integer" isInt;
    port = simple "16 bit unsigned integer; between 0 and 65535 (both inclusive)" (value: isInt value && value >= 0 && value <= 65535);
    ints.positive = simple "positive integer, meaning >0" (value: isInt value && value > 0);
    str = simple "string" isString;
    singleLineStr = narrowed str "(optionally newline-terminated) single-line string" (value: match "[^\n\r]*\n?" value != null);
    nonEmptyStr = narrowed str "string (with check: non-empty)" (value: match "[ \t\n]*" value == null);
    strMatching = pattern: simple "string matching the pattern ${builtins.replaceStrings [ "\\" ] [ "\\\\" ] pattern}" (value: isString value && match pattern value != null);
    enum = values: simple "one of ${builtins.concatStringsSep ", " (map builtins.toJSON values)}" (value: elem value values) // { class = "conjunction"; };
    path = simple "absolute path" isPathLike;
    package = simple "package" (value: value ? outPath || isString value && match "/nix/store/.*" value != null);
    anything = simple "anything" (_: true);
    raw = simple "raw value" (_: true);
    unspecified = simple "unspecified value" (_: true);
    lines = { name = "strings concatenated with \"\\n\""; check = isString; merge = path: defs: builtins.concatStringsSep "\n" (map (def: def.value) (checked lines path defs)); };
    either = a: b: simple "${within [ "noun" "conjunction" ] a} or ${within [ "noun" "conjunction" "composite" ] b}" (value: a.check value || b.check value) // { class = "conjunction"; };
    between = low: high: simple "integer between ${toString low} and ${toString high} (both inclusive)" (value: isInt value && value >= low && value <= high);
    # One that NixOS calls something else; `phrase` for one that gets parentheses.
    named = name: type: type // { inherit name; class = "noun"; };
    phrase = name: type: type // { inherit name; class = "conjunction"; };
    # NixOS takes a store path, also as a string, for a package; it refuses one that is no shell.
    withoutPlainPackages = type: narrowed type type.name (value: match "/nix/store/[^/]*" (if isString value then value else "") == null) // { inherit (type) class; };
    coercedTo = from: convert: type: type // rec {
      name = "${within [ "noun" ] type} or ${within [ "noun" ] from} convertible to it";
      class = "phrase";
      check = value: type.check value || from.check value;
      merge = path: defs: type.merge path (map (def: if type.check def.value then def else def // { value = convert def.value; }) (checked { inherit name check; } path defs));
    };
    oneOf = all: foldl' either (head all) (builtins.tail all);
    nullOr = type: {
      name = "null or ${within [ "noun" "conjunction" ] type}";
      class = "conjunction";
      inner = type;
      check = value: value == null || type.check value;
      merge = path: defs: if builtins.all (def: def.value == null) defs then null else type.merge path defs;
    };
    listOf = type: {
      name = "list of ${within [ "noun" "composite" ] type}";
      class = "composite";
      inner = type;
      step = "*";
      check = isList;
      merge = path: defs: concatMap
        (def: imap0 (index: value: type.merge (path ++ [ (toString index) ]) (discharge { inherit (def) file; inherit value; })) def.value)
        (checked (listOf type) path defs);
    };
    nonEmptyListOf = type: listOf type // rec {
      name = "non-empty (${(listOf type).name})";
      check = value: isList value && value != [ ];
      merge = path: defs: (listOf type).merge path (checked { inherit name check; } path defs);
    };
    attrsOf = type: rec {
      name = "attribute set of ${within [ "noun" "composite" ] type}";
      class = "composite";
      inner = type;
      step = "<name>";
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
      name = if (options module).freeformType or null == null then "submodule" else "open submodule of ${(options module).freeformType.name}";
      class = "submodule";
      options = (options module).options or { };
      check = value: isAttrs value || isFunction value;
      merge = path: defs:
        let
          made = if isFunction module then module { name = builtins.elemAt path (length path - 1); } else module;
        in
        evalTree path (made.options or { }) (made.freeformType or null) (checked { name = "submodule"; check = isAttrs; } path defs);
    };
  };

  options = module: if isFunction module then module { name = "<name>"; } else module;

  # The names of all options below a tree, also of submodules, and what their types are called: as in the facts of NixOS's.
  optionTypes = tree:
    let
      ofType = path: type:
        if type ? options then below path type.options
        else if type ? inner then ofType (path ++ (if type ? step then [ type.step ] else [ ])) type.inner
        else [ ];
      below = path: node: concatMap
        (key:
          let at = path ++ [ key ]; option = node.${key};
          in
          if option._type or "" == "option" then [{ name = show at; value = option.type.name; }] ++ ofType at option.type
          else below at option)
        (attrNames node);
    in
    listToAttrs (below [ ] tree);

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
