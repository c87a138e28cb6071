# The environment of programs: settings of all modules that start programs.
{
  environment = {
    type = "list";
    key = "key";
    displayName = { en = "Environment"; de = "Umgebung"; };
    of = {
      type = "group";
      settings = {
        key = { type = "string"; pattern = "[A-Za-z_][A-Za-z0-9_]*"; displayName = { en = "Name"; de = "Name"; }; };
        value = { type = "string"; displayName = { en = "Value"; de = "Wert"; }; };
      };
    };
  };
  environmentSecret = {
    type = "secret";
    allowed = [ "environment" ];
    required = false;
    displayName = { en = "Secret environment"; de = "Geheime Umgebung"; };
  };
}
