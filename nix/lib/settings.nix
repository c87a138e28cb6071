# The settings in force for one module in one config: the config's values over the module's defaults, checked.
{
  # The module as it was read: { file, content }.
  module,
  name,
  # The config's file and its values for this module.
  file,
  values,
}:
let
  inherit (import ./errors.nix) fail list onlyKeys show;
  types = import ./types.nix;

  declared =
    let settings = module.content.settings or { };
    in
    if builtins.isAttrs settings && builtins.all builtins.isAttrs (builtins.attrValues settings) then settings
    else fail module.file "settings: expected an attribute set of attribute sets, such as { port = { type = \"int\"; }; }";

  checked = where: what: type: value:
    if type.check value then value
    else fail where "${what}: expected ${type.expected}, got ${show value}";

  resolve = key: declaration:
    let
      typeName = declaration.type or (fail module.file "settings.${key}: has no `type`");
      type = types.${typeName} or (fail module.file
        "settings.${key}: unknown type ${show typeName}; expected one of ${list (builtins.attrNames types)}");
    in
    # A wrong declaration is one whether or not the config needs it.
    builtins.seq type (
      if given ? ${key} then checked file "modules.${name}.${key}" type given.${key}
      else if declaration ? default then checked module.file "settings.${key}.default" type declaration.default
      else fail file "modules.${name}.${key}: must be set, since ${module.file} gives it no default"
    );

  given = onlyKeys { inherit file; what = "modules.${name}"; known = builtins.attrNames declared; } values;
in
# Unknown keys are an error also where no setting is looked at.
builtins.seq given (builtins.mapAttrs resolve declared)
