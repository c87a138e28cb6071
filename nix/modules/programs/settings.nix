# The common settings of programs of the modules bash and python.
{ script, more }:
{
  type = "list";
  key = "name";
  displayName = { en = "Programs"; de = "Programme"; };
  elementName = { en = "Program"; de = "Programm"; };
  of = {
    type = "group";
    settings = {
      name = { type = "string"; pattern = "[a-z0-9][a-z0-9-]{0,50}"; patternHint = "lowercase letters, digits and hyphens"; displayName = { en = "Name"; de = "Name"; }; };
      description = { type = "string"; default = ""; displayName = { en = "Description"; de = "Beschreibung"; }; };
      script = script;
      schedule = { type = "schedule"; default = { kind = "always"; }; displayName = { en = "When it runs"; de = "Wann es läuft"; }; };
      user = {
        type = "string";
        pattern = "[a-z_][a-z0-9_-]{0,30}";
        default = "root";
        displayName = { en = "User"; de = "Benutzer"; };
      };
      inherit (import ../common/environment.nix) environmentSecret;
    } // more;
  };
}
