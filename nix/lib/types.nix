# The types that a module's setting can have: what a value must be, and how to say so.
#
# A new type is a new attribute here; `check` gets the value as it stands in the JSON file.
{
  string = { expected = "a string"; check = builtins.isString; };
  bool = { expected = "true or false"; check = builtins.isBool; };
  int = { expected = "a whole number"; check = builtins.isInt; };
}
