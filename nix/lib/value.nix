# The values that a module's functions get for settings, where they differ from the JSON file's:
#
#   package   the derivation
#   artifact  its path in the store
#   secret    { name, path, processing, owner, group, mode }: `path` is where the device has it, in a tmpfs
#
# `package` and `artifact` look up a name: { file, what } → name → value.
{ package, artifact }:
let
  inherit (builtins) attrNames concatMap isAttrs mapAttrs substring hashString toJSON;
  inherit (builtins) map;

  secretUse = declaration: value:
    let
      own = if isAttrs value then value else { secret = value; };
      use = {
        processing = own.processing or declaration.processing or "none";
        owner = own.owner or declaration.owner or "root";
        group = own.group or declaration.group or "root";
        mode = own.mode or declaration.mode or "0400";
      };
      plain = { processing = "none"; owner = "root"; group = "root"; mode = "0400"; };
      # One secret can be there for several users: as many files.
      suffix = if use == plain then "" else ".${substring 0 8 (hashString "sha256" (toJSON use))}";
    in
    use // {
      name = own.secret;
      path = "/run/thymesh/secrets/${own.secret}${suffix}";
      allowed = declaration.allowed or [ "single-line" "multi-line" "environment" "file" ];
    };

  one = place: declaration: value:
    if value == null then null
    else if declaration.type == "package" then package place value
    else if declaration.type == "artifact" then artifact (place // { kind = declaration.kind or null; }) value
    else if declaration.type == "secret" then removeAttrs (secretUse declaration value) [ "allowed" ]
    else if declaration.type == "list" then map (one place declaration.of) value
    else if declaration.type == "group" then settings place declaration.settings value
    else value;

  settings = place: declared: mapAttrs (key: one (place // { what = "${place.what}.${key}"; }) declared.${key});

  secretsOf = declaration: value:
    if value == null then [ ]
    else if declaration.type == "secret" then [ (secretUse declaration value) ]
    else if declaration.type == "list" then concatMap (secretsOf declaration.of) value
    else if declaration.type == "group" then secretsIn declaration.settings value
    else [ ];
  secretsIn = declared: values: concatMap (key: secretsOf declared.${key} values.${key}) (attrNames declared);
in
{ inherit settings; secrets = secretsIn; }
