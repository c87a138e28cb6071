# One config from its file: { file, system, target, modules: name → { file, content, settings } }, checked.
{ modules, targets }:
name: { file, content }:
let
  inherit (import ./errors.nix) fail list onlyKeys show;

  config = onlyKeys
    { inherit file; what = "config"; known = [ "displayName" "description" "system" "target" "modules" ]; }
    content;

  systems = [ "x86_64-linux" "aarch64-linux" "i686-linux" "armv7l-linux" "armv6l-linux" "riscv64-linux" ];
  oneOf = what: known: value:
    if builtins.elem value known then value
    else fail file "${what}: expected one of ${list known}, got ${show value}";

  chosen = config.modules or { };

  use = moduleName: values:
    let
      found = modules.${moduleName} or (fail file
        "modules.${moduleName}: there is no modules/${moduleName}.nix; the project has ${list (builtins.attrNames modules)}");
      module = found // {
        content = onlyKeys
          {
            inherit (found) file;
            what = "module";
            known = [ "displayName" "description" "settings" "portable" "nixos" ];
          }
          found.content;
      };
    in
    module // {
      settings = import ./settings.nix { inherit module file values; name = moduleName; };
    };
in
{
  inherit file;
  displayName = config.displayName or name;
  description = config.description or "";
  # Most devices that are managed like this are PCs and virtual machines.
  system = oneOf "system" systems (config.system or "x86_64-linux");
  target = oneOf "target" (builtins.attrNames targets) (config.target or "portable");
  modules =
    if builtins.isAttrs chosen then builtins.mapAttrs use chosen
    else fail file "modules: expected an object, module name → its settings, got ${show chosen}";
}
