# The value of each setting of one module, out of what several places say: the device, its config, tags, the module.
#
# A layer is { file, what, level, rank, values }: where it stands (`what` is the path in the file, for errors), which
# kind of place it is, and how much it counts: the lower rank wins.
#
#   single values   the layer with the lowest rank; two of one rank must say the same
#   group           each of its settings by itself
#   list            all elements, those of the lowest rank first, equal ones once; with `key`, elements of one key are
#                   one group. { "replace": [ … ] } drops what higher ranks say. The default counts only if no layer
#                   says anything
{ file, declared, modulePath ? "settings" }:
let
  inherit (import ./errors.nix) fail list onlyKeys show;
  types = import ./types.nix;
  inherit (builtins) attrNames concatMap elem elemAt filter foldl' genList head isAttrs isList length listToAttrs map sort toJSON;

  # Every layer's elements have the layer's place, so that an error names it.
  sublayer = layer: key: layer // { what = "${layer.what}.${key}"; value = layer.value.${key}; };
  sorted = layers: sort (a: b: a.rank < b.rank) layers;
  place = layer: "${layer.file} (${layer.what})";

  # { value, from } of one setting, before it is asked whether it is visible; from is null when no file sets it.
  merge = declaration: path: layers:
    let
      type = types.${declaration.type};
      default = {
        inherit file;
        what = "${path}.${declaration.saidBy or "default"}";
        level = "module";
        rank = 1000000;
        value = declaration.default;
      };
      checked = layer:
        if ! elem layer.level ([ "module" ] ++ declaration.on) then
          fail layer.file "${layer.what}: can be set in ${list declaration.on} files only"
        else if declaration.type == "list" && layer.level != "module" && isAttrs layer.value then
          let replacing = onlyKeys { inherit (layer) file what; known = [ "replace" ]; } layer.value;
          in
          if isList (replacing.replace or null) then layer // { value = replacing.replace; replaces = true; what = "${layer.what}.replace"; }
          else fail layer.file "${layer.what}.replace: expected a list, got ${show (replacing.replace or null)}"
        else if type.check layer.value then layer
        else fail layer.file "${layer.what}: expected ${type.expected}, got ${show layer.value}";
      said = sorted (map checked layers) ++ (if declaration ? default then [ (checked default) ] else [ ]);
    in
    if declaration.type == "group" then mergeGroup declaration path said
    else if declaration.type == "list" then mergeList declaration path said
    else mergeSingle declaration said;

  problemsOf = declaration: layer:
    let problem = types.${declaration.type}.problem declaration layer.value;
    in if problem == null then layer else fail layer.file "${layer.what}: ${problem}";

  mergeSingle = declaration: said:
    let
      best = head said;
      rivals = filter (layer: layer.rank == best.rank && layer.value != best.value) said;
      all = map (problemsOf declaration) said;
    in
    if said == [ ] then { value = null; from = null; }
    else if rivals != [ ] then
      throw "${place best} and ${place (head rivals)} say different things (${show best.value} and ${show (head rivals).value}) with the same priority; change one, give the tags different priorities, or set it in the config"
    # A wrong value is one also where another one wins.
    else builtins.seq (foldl' (seen: layer: builtins.seq layer seen) null all) { inherit (best) value; from = best; };

  mergeGroup = declaration: path: said: {
    value = settingsOf declaration.settings path said;
    from = if said == [ ] then null else head said;
  };

  mergeList = declaration: path: said:
    let
      given = filter (layer: layer.level != "module") said;
      counting = if given == [ ] then said else upToReplacing given;
      elements = concatMap
        (layer: genList
          (index: layer // {
            what = "${layer.what}[${toString index}]";
            listed = place layer;
            value = elemAt layer.value index;
          })
          (length layer.value))
        counting;
      whole = {
        value = if declaration ? key then keyed else distinct (map (element: (merge declaration.of path [ element ]).value) elements);
        from = if said == [ ] then null else head counting;
      };
      keyOf = element:
        let key = element.value.${declaration.key} or null;
        in
        if ! isAttrs element.value then fail element.file "${element.what}: expected an object, got ${show element.value}"
        else if key == null then fail element.file "${element.what}.${declaration.key}: must be set"
        else toJSON key;
      names = distinct (map keyOf elements);
      ofName = name: filter (element: keyOf element == name) elements;
      keyed = map
        (name:
          let same = ofName name;
          in
          if length (distinct (map (element: element.listed) same)) != length same then
            fail (head same).file "${(head same).what}.${declaration.key}: ${name} is there twice"
          else (merge declaration.of path same).value)
        names;
      fits = if said == [ ] then whole else
      let problem = types.list.problem declaration whole.value;
      in if problem == null then whole else fail whole.from.file "${whole.from.what}: ${problem}";
    in
    fits;

  upToReplacing = layers:
    if layers == [ ] then [ ]
    else if (head layers).replaces or false then [ (head layers) ]
    else [ (head layers) ] ++ upToReplacing (builtins.tail layers);

  distinct = values: foldl' (seen: value: if elem value seen then seen else seen ++ [ value ]) [ ] values;

  # The values of a set of settings; layers' values are sets.
  settingsOf = settings: path: layers:
    let
      known = attrNames settings;
      given = map (layer: layer // { value = onlyKeys { inherit (layer) file what; inherit known; } layer.value; }) layers;
      raw = builtins.mapAttrs
        (key: declaration: merge declaration "${path}.${key}"
          (map (layer: sublayer layer key) (filter (layer: layer.value ? ${key}) given)))
        settings;
      holds = conditions: builtins.all
        (key: visible key && elem raw.${key}.value conditions.${key})
        (attrNames conditions);
      visible = key: holds settings.${key}.visible;
      chosen = key: declaration: from:
        let option = head (filter (one: one.value == raw.${key}.value) declaration.choices);
        in
        if from == null || declaration.type != "choice" || holds option.visible then raw.${key}.value
        else fail from.file "${from.what}: ${show raw.${key}.value} can't be chosen here; it needs ${conditionText option.visible}";
      finish = key: declaration:
        let inherit (raw.${key}) from; in
        # A group that nobody sets needs nothing.
        if ! visible key || from == null && layers == [ ] then declaration.default or null
        else if from == null && declaration.required then
          fail (head layers).file "${(head layers).what}.${key}: must be set, since ${file} gives it no default"
        else chosen key declaration from;
    in
    # Unknown keys are an error also where no setting is looked at.
    builtins.seq (foldl' (seen: layer: builtins.seq layer.value seen) null given) (builtins.mapAttrs finish settings);

  conditionText = conditions: builtins.concatStringsSep " and "
    (map (key: "${key} = ${builtins.concatStringsSep " or " (map show conditions.${key})}") (attrNames conditions));
in
layers: settingsOf declared modulePath (map (layer: removeAttrs layer [ "values" ] // { value = layer.values; }) layers)
