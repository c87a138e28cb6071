# One systemd unit, as a module gives it, to { text, wantedBy }.
#
#   { text = "[Unit]…"; }  or  { Unit = { … }; Service = { … }; … }   sections: key → value or list of values
#   wantedBy = [ "multi-user.target" ];     what starts it (so does Install.WantedBy)
#   restartTriggers = [ … ];                strings; the unit restarts when one of them changes
name:
unit:
let
  inherit (import ../lib/errors.nix) fail list show;
  inherit (unit) file;
  what = "units.\"${name}\"";

  kinds = "service|socket|target|timer|path|mount|automount|swap|slice";
  options = [ "file" "text" "wantedBy" "restartTriggers" ];
  sections = builtins.filter (key: ! builtins.elem key options) (builtins.attrNames unit);
  badSections = builtins.filter
    (section: builtins.match "[A-Z][A-Za-z-]*|X-.*" section == null || ! builtins.isAttrs unit.${section})
    sections;

  value = path: given:
    if builtins.isBool given then (if given then "true" else "false")
    else if builtins.isString given || builtins.isInt given || builtins.isFloat given || builtins.isPath given
      || given ? outPath
    then
      let text = "${if builtins.isPath given || given ? outPath then "${given}" else toString given}";
      in
      # A line break would start another setting.
      if builtins.match ".*\n.*" text == null then text
      else fail file "${what}.${path}: a value can't have a line break; give a list for several values"
    else fail file "${what}.${path}: expected a string, a number or true/false, got ${show given}";

  setting = section: key: given:
    map (one: "${key}=${value "${section}.${key}" one}") (if builtins.isList given then given else [ given ]);
  # Standard order for the reader; systemd takes any.
  render = section: builtins.concatStringsSep "\n" (
    [ "[${section}]" ]
    ++ builtins.concatMap (key: setting section key unit.${section}.${key}) (builtins.attrNames unit.${section})
  ) + "\n";
  ordered =
    builtins.filter (section: section == "Unit") sections
    ++ builtins.filter (section: section != "Unit" && section != "Install") sections
    ++ builtins.filter (section: section == "Install") sections;

  body =
    if unit ? text && sections != [ ] then fail file "${what}: has both `text` and the sections ${list sections}"
    else if unit ? text then unit.text
    else if sections == [ ] then fail file "${what}: expected `text` or sections such as `Service`"
    else if badSections != [ ] then
      fail file "${what}: unknown ${list badSections}; expected text, wantedBy, restartTriggers or sections such as Service"
    else builtins.concatStringsSep "\n" (map render ordered);

  triggers = unit.restartTriggers or [ ];
  # systemd passes over keys that begin with X-; the hash keeps no reference to what is hashed.
  trigger = builtins.hashString "sha256" (builtins.toJSON (map (one: "${one}") triggers));
  triggerText = if triggers == [ ] then "" else "\n[Unit]\nX-RestartTriggers=${builtins.unsafeDiscardStringContext trigger}\n";

  strings = given: if builtins.isList given then given else [ given ];
  wantedBy = strings (unit.wantedBy or [ ]) ++ strings (unit.Install.WantedBy or [ ]);
  unitName = "[a-zA-Z0-9:_.@\\-]+\\.(${kinds})";
  badTargets = builtins.filter (target: ! builtins.isString target || builtins.match unitName target == null) wantedBy;
in
if builtins.match unitName name == null then fail file "${what}: isn't a unit's name; expected name.service, name.timer …"
else if name == "thymesh-boot.service" then fail file "${what}: the name is Thymesh's own"
else if badTargets != [ ] then fail file "${what}: wantedBy: expected names of units, got ${list (map show badTargets)}"
else if wantedBy != [ ] && builtins.match ".*@\\..*" name != null then
  fail file "${what}: a template can't be wanted; give a unit with an instance's name, such as a@b.service"
else {
  text = body + triggerText;
  # Sorted, each one once.
  wantedBy = builtins.attrNames (builtins.listToAttrs (map (target: { name = target; value = null; }) wantedBy));
}
