# One config from its file, checked: what the file itself says. evaluate.nix makes a system's settings of it.
{ tags, sources, targets }:
name: { file, content }:
let
  inherit (import ./errors.nix) fail onlyKeys show;
  inherit (import ./systems.nix) systems;
  fields = import ./fields.nix file;
  config = onlyKeys
    {
      inherit file;
      what = "config";
      known = [ "displayName" "description" "type" "system" "target" "tags" "perDevice" "modules" ];
    }
    content;
  type = if config ? type then sources.deviceTypeOf file "type" config.type else null;
  # Most devices that are managed like this are PCs and virtual machines.
  system = fields.oneOf "system" systems (config.system or (if type == null then "x86_64-linux" else type.system));
in
if builtins.match ".*--.*" name != null then
  fail file "the file's name can't be used: -- is for configs of single devices"
else {
  inherit name file type;
  displayName = fields.text "displayName" (config.displayName or name);
  description = fields.text "description" (config.description or "");
  system =
    if type != null && type.system != system then
      fail file "system: expected ${type.system}, which the type ${type.name} is, got ${show system}"
    else system;
  target = fields.oneOf "target" (builtins.attrNames targets) (config.target or "portable");
  tags = fields.tags tags (config.tags or [ ]);
  perDevice = fields.flag "perDevice" (config.perDevice or false);
  modules = fields.modules (config.modules or { });
}
