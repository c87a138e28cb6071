# The parts of a config, or of one device's own config:
#
#   { name, base, device, displayName, description, system, target, type, tags, modules, secrets, policy }
#
# with modules: name → { file, values, settings, portable?, nixos? }. `values` are as files say them, `settings` what
# the module's functions get.
{ project, sources, tags, pkgsFor }:
let
  inherit (import ./errors.nix) fail forced show;
  inherit (builtins) attrNames concatMap elem filter foldl' isAttrs isList listToAttrs mapAttrs;
  distinct = foldl' (seen: one: if elem one seen then seen else seen ++ [ one ]) [ ];

  # configs/web.json and devices/north.json: web--north; a long one is cut, with a hash of the whole.
  ownName = config: device:
    let full = "${config}--${device}";
    in
    if builtins.stringLength full <= 63 then full
    else "${builtins.substring 0 52 full}-${builtins.substring 0 10 (builtins.hashString "sha256" full)}";

  artifact = { file, what, kind, ... }: value:
    let
      path = project + "/artifacts/${value}";
      there = builtins.pathExists path;
      found = (builtins.readDir (dirOf path)).${builtins.unsafeDiscardStringContext (baseNameOf path)};
      wanted = { file = "regular"; folder = "directory"; }.${kind};
    in
    if ! there then fail file "${what}: there is no artifacts/${value} (a file that Git doesn't know isn't seen: git add it)"
    # A link could lead out of the project.
    else if found == "symlink" then fail file "${what}: artifacts/${value} is a link; expected a file or folder"
    else if kind != null && found != wanted then fail file "${what}: expected artifacts/${value} to be a ${kind}"
    else builtins.path {
      inherit path;
      # What is read from a store path remembers it, which a name must not; nor can one have just any character.
      name = builtins.unsafeDiscardStringContext (builtins.concatStringsSep "-"
        (builtins.filter builtins.isString (builtins.split "[^a-zA-Z0-9+._?=-]+" (baseNameOf value))));
    };

  # Policies of several modules are one: lists are put together, anything else may be said once.
  mergePolicy = config: a: b: a // mapAttrs
    (key: value:
      if ! a ? ${key} then value
      else if isList value && isList a.${key} then a.${key} ++ value
      else if isAttrs value && isAttrs a.${key} then mergePolicy config a.${key} value
      else if value == a.${key} then value
      else fail config.file "two modules give ${key} of the update policy: ${show a.${key}} and ${show value}")
    b;

  evaluate = config: device:
    let
      place = if device == null then config else device;
      name = if device == null then config.name else ownName config.name device.name;
      inherit (config) system target;
      type = if device == null then config.type else device.type;
      wearing = map (tag: tags.${tag}) place.tags;
      layer = level: rank: from: id: {
        inherit (from) file;
        inherit level rank;
        what = "modules.${id}";
        values = from.modules.${id};
      };
      places =
        (if device == null then [ ] else [ { from = device; make = layer "device" (-2) device; } ])
        ++ [ { from = config; make = layer "config" (-1) config; } ]
        ++ map (tag: { from = tag; make = layer "tag" tag.priority tag; })
          (builtins.sort (a: b: a.priority < b.priority) wearing);
      saying = id: filter (one: one.from.modules ? ${id}) places;
      ids = distinct (concatMap (one: attrNames one.from.modules) places);

      pkgs = pkgsFor system;
      realise = import ./value.nix { package = sources.package { inherit system pkgs; }; inherit artifact; };
      use = id:
        let
          first = builtins.head (saying id);
          module = sources.module first.from.file "modules.${id}" id;
          values = import ./layers.nix { inherit (module) file declared; } (map (one: one.make id) (saying id));
        in
        builtins.addErrorContext "while evaluating the module ${id} (${module.file}) for ${place.file}" (
          removeAttrs module [ "description" ] // {
            inherit values;
            settings = realise.settings { inherit (first.from) file; what = "modules.${id}"; } module.declared values;
            secrets = realise.secrets module.declared values;
          }
        );
      modules = listToAttrs (map (id: { name = id; value = use id; }) ids);
      arguments = {
        inherit system project;
        config = name;
        thymesh = import ./default.nix;
        device = if device == null then null else {
          inherit (device) name tags;
          site = device.site or null;
        };
      };
      policies = concatMap
        (id:
          let module = modules.${id};
          in
          if ! module ? policy then [ ]
          else [ (builtins.addErrorContext "while evaluating the policy of the module ${id} (${module.file}) for ${place.file}"
            (forced (module.policy (arguments // { inherit (module) settings; })))) ])
        ids;
    in
    {
      inherit name system target type modules arguments;
      inherit (config) file description;
      place = place.file;
      base = config.name;
      inherit (place) tags;
      device = if device == null then null else device.name;
      displayName = if device == null then config.displayName else "${config.displayName} (${device.displayName or device.name})";
      secrets = distinct (concatMap (id: modules.${id}.secrets) ids);
      policy = foldl' (mergePolicy config) { } policies;
    };
in
{ inherit evaluate ownName; }
