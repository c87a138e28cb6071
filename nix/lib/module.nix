# One module from its file, checked: { name, file, source, description, declared, portable?, nixos?, policy? }.
#
# `description` is plain data, what forms and documentation are made of; `declared` are the settings in it.
{ name, file, source, overrides ? false }:
content:
let
  inherit (import ./errors.nix) fail list onlyKeys show;
  inherit (import ./texts.nix) localised;
  functions = [ "portable" "nixos" "policy" ];
  module = onlyKeys
    { inherit file; what = "module"; known = [ "displayName" "description" "icon" "category" "settings" ] ++ functions; }
    content;
  context = builtins.addErrorContext "while reading the module ${name} (${file})";
  wrong = builtins.filter (key: module ? ${key} && ! builtins.isFunction module.${key} && ! module.${key} ? __functor) functions;
  declared = import ./declaration.nix { inherit file; } (module.settings or { });
  text = key: default: localised { inherit file; what = key; } (module.${key} or default);
  word = key: pattern: expected:
    let value = module.${key} or null;
    in
    if value == null || builtins.isString value && builtins.match pattern value != null then value
    else fail file "${key}: expected ${expected}, got ${show value}";

  # A default or an example that its own declaration refuses is the module's mistake, whoever uses it.
  defaults = import ./layers.nix { inherit file declared; } [ ];
  withExamples = builtins.mapAttrs
    (_: declaration: if declaration ? example then declaration // { default = declaration.example; saidBy = "example"; } else removeAttrs declaration [ "default" ])
    declared;
  examples = import ./layers.nix { inherit file; declared = withExamples; } [ ];

  data = {
    inherit name file source overrides;
    displayName = text "displayName" name;
    description = text "description" "";
    category = word "category" "[^\n]{1,40}" "a word such as \"network\"";
    icon = word "icon" "[a-z0-9-]{1,64}|data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+" "the name of an icon, or a data: URL of an image";
    targets = builtins.filter (key: module ? ${key}) [ "nixos" "portable" ];
    settings = declared;
  };
in
context (
  if ! builtins.isAttrs content then fail file "expected an object with `settings`, `nixos` and `portable`, got ${show content}"
  else if wrong != [ ] then fail file "${builtins.head wrong}: expected a function, got ${show module.${builtins.head wrong}}"
  else
    builtins.seq module ({
      inherit name file source;
      declared = context (builtins.deepSeq declared declared);
      description = context (builtins.deepSeq [ defaults examples data ] data);
    } // builtins.intersectAttrs { portable = null; nixos = null; policy = null; } module)
)
