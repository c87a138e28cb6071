# One device from its file, checked: { name, file, config, own, site?, displayName?, description?, type?, tags, modules }.
#
# `own` says whether it differs from its config in anything that its system is made of; then it has a config of its own.
{ configs, tags, sources }:
name: { file, content }:
let
  inherit (import ./errors.nix) fail list onlyKeys show;
  fields = import ./fields.nix file;
  device = onlyKeys
    {
      inherit file;
      what = "device";
      known = [ "displayName" "description" "config" "site" "type" "tags" "modules" ];
    }
    content;
  named = fields.text "config" (device.config or (fail file "config: must be set to the name of one of the project's configs"));
  config = configs.${named} or (fail file
    "config: there is no configs/${named}.json; the project has ${list (builtins.attrNames configs)}");
  type = if device ? type then sources.deviceTypeOf file "type" device.type else config.type;
  ownTags = builtins.filter (tag: ! builtins.elem tag config.tags) (fields.tags tags (device.tags or [ ]));
  modules = fields.modules (device.modules or { });
in
{
  inherit name file config modules;
  type =
    if type != null && type.system != config.system then
      fail file "type: expected one for ${config.system}, which config ${config.name} is for; ${type.name} is for ${type.system}"
    else type;
  tags = config.tags ++ ownTags;
  # A tag without modules only names devices, for example for a wave: it changes nothing that is built.
  own = config.perDevice || modules != { } || builtins.any (tag: tags.${tag}.modules != { }) ownTags
    || (type != null && (config.type == null || type.name != config.type.name));
}
// builtins.mapAttrs fields.text (builtins.intersectAttrs { displayName = null; description = null; } device)
// (if device ? site then { site = fields.text "site" device.site; } else { })
