# One tag from its file, checked: { name, file, displayName, description, priority, modules }.
{ sources }:
name: { file, content }:
let
  inherit (import ./errors.nix) onlyKeys;
  fields = import ./fields.nix file;
  tag = onlyKeys
    { inherit file; what = "tag"; known = [ "displayName" "description" "priority" "modules" ]; }
    content;
  modules = fields.modules (tag.modules or { });

  # A tag that no config has yet is checked too, but for what its configs may still say.
  check = id: values:
    let
      module = sources.module file "modules.${id}" id;
      declared = builtins.mapAttrs (_: declaration: declaration // { required = false; }) module.declared;
    in
    import ./layers.nix { inherit (module) file; inherit declared; }
      [{ inherit file values; what = "modules.${id}"; level = "tag"; rank = 0; }];
in
{
  inherit name file;
  displayName = fields.text "displayName" (tag.displayName or name);
  description = fields.text "description" (tag.description or "");
  # As in NixOS's mkOverride, the lower one wins.
  priority = fields.whole "priority" 0 1000 (tag.priority or 100);
  modules = builtins.deepSeq (builtins.mapAttrs check modules) modules;
}
