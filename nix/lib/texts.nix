# Texts for people: a string, or one for each language, { en = "Port"; de = "Anschluss"; }, with English always there.
let
  inherit (import ./errors.nix) fail show;
  language = name: builtins.match "[a-z]{2,3}(-[A-Za-z0-9]{2,8})*" name != null;
in
{
  # The text as a set of languages.
  localised = { file, what }: value:
    if builtins.isString value then { en = value; }
    else if ! builtins.isAttrs value then
      fail file "${what}: expected a string or an object of languages, such as { en = \"Port\"; de = \"Anschluss\"; }, got ${show value}"
    else if ! value ? en then fail file "${what}: has no English text; expected { en = \"…\"; … }"
    else
      builtins.mapAttrs
        (name: text:
          if ! language name then fail file "${what}: expected languages such as en, de or pt-BR, got ${name}"
          else if ! builtins.isString text then fail file "${what}.${name}: expected a string, got ${show text}"
          else text)
        value;

  # The English of a string or a set of languages, for where one text is wanted.
  english = value: if builtins.isAttrs value then value.en or "" else value;
}
