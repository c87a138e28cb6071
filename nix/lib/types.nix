# The types that a module's setting can have.
#
#   expected  what a value must be, in words
#   check     whether a value, as it stands in the JSON file, is of the type
#   options   what else a declaration can say: key → { check, expected }
#   problem   declaration: value: null, or what is wrong with a value of the right type
#
# A new type is a new attribute here, and a line in value.nix if modules get something else than what the file says.
let
  inherit (import ./errors.nix) list show;
  inherit (builtins) isString isInt isBool isList isAttrs match stringLength length elem filter attrNames all;

  text = { expected = "a string"; check = isString; };
  whole = { expected = "a whole number"; check = isInt; };
  count = { expected = "a whole number from 0"; check = value: isInt value && value >= 0; };
  oneOf = values: { expected = "one of ${list values}"; check = value: elem value values; };
  someOf = values: {
    expected = "a list of ${list values}";
    check = value: isList value && value != [ ] && all (one: elem one values) value;
  };
  first = problems:
    let there = filter (problem: problem != null) problems;
    in if there == [ ] then null else builtins.head there;
  problemIf = condition: problem: if condition then problem else null;

  # Forms and the controller's check read it as JavaScript does, which has no classes such as [:space:].
  pattern = { expected = "a regular expression without [: :], such as \"[a-z]+\""; check = value: isString value && match ".*\\[:.*" value == null; };
  lengthOptions = { minLength = count; maxLength = count; };
  textOptions = lengthOptions // { inherit pattern; patternHint = { expected = "a text"; check = value: isString value || isAttrs value; }; };
  textProblem = declaration: value: first [
    (problemIf (declaration ? minLength && stringLength value < declaration.minLength)
      "expected at least ${toString declaration.minLength} characters, got ${toString (stringLength value)}")
    (problemIf (declaration ? maxLength && stringLength value > declaration.maxLength)
      "expected at most ${toString declaration.maxLength} characters, got ${toString (stringLength value)}")
    (problemIf (declaration ? pattern && match declaration.pattern value == null)
      "expected ${declaration.patternHint.en or declaration.patternHint or "a text that matches ${declaration.pattern}"}, got ${show value}")
  ];
  oneLine = value: isString value && match "[^\n]*" value != null;

  secretTypes = [ "single-line" "multi-line" "environment" "file" ];
  secretProcessings = [ "none" "yescrypt" ];
  mode = { expected = "a mode such as \"0400\""; check = value: isString value && match "0[0-7]{3}" value != null; };
  account = {
    expected = "the name of a user or group";
    check = value: isString value && match "[a-z_][a-z0-9_.-]{0,30}" value != null;
  };
  secretName = value: isString value && match "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?" value != null;

  scheduleKinds = [ "calendar" "interval" "always" ];
  timeSpan = value:
    isInt value && value >= 0
    || isString value && match "[0-9]+ ?(us|ms|s|sec|m|min|h|hr|d|day|days|w|week|weeks)?( [0-9]+ ?(s|sec|m|min|h|hr|d))*" value != null;
  scheduleKeys = [ "kind" "calendar" "afterBoot" "every" "accuracy" "persistent" "randomDelay" ];
  scheduleProblem = declaration: value:
    let
      kinds = declaration.kinds or scheduleKinds;
      unknown = filter (key: ! elem key scheduleKeys) (attrNames value);
      kind = value.kind or null;
      spans = filter (key: value ? ${key} && ! timeSpan value.${key}) [ "afterBoot" "every" "accuracy" "randomDelay" ];
      calendar = value.calendar or [ ];
    in
    first [
      (problemIf (unknown != [ ]) "unknown ${list unknown}; expected one of ${list scheduleKeys}")
      (problemIf (! elem kind kinds) "kind: expected one of ${list kinds}, got ${show kind}")
      (problemIf (! isList calendar || ! all (one: oneLine one && one != "") calendar)
        "calendar: expected a list of times such as \"daily\" or \"Mon..Fri 08:00\"")
      (problemIf (kind == "calendar" && calendar == [ ]) "calendar: must be set, with at least one time such as \"daily\"")
      (problemIf (kind == "interval" && ! value ? every) "every: must be set, to a time span such as \"15min\"")
      (problemIf (spans != [ ])
        "${builtins.head spans}: expected a time span such as \"15min\", got ${show value.${builtins.head spans}}")
      (problemIf (value ? persistent && ! isBool value.persistent) "persistent: expected true or false, got ${show value.persistent}")
    ];

  inProject = value:
    isString value && match "[^/\n]+(/[^/\n]+)*" value != null && match "(.*/)?\\.\\.?(/.*)?" value == null;
  scalar = value: isString value || isInt value;
in
{
  bool = { expected = "true or false"; check = isBool; options = { }; problem = _: _: null; };

  string = { expected = "a string"; check = isString; options = textOptions; problem = declaration: value:
    if oneLine value then textProblem declaration value
    else "expected one line, got a string with line breaks (the type for more is `text`)"; };

  text = { expected = "a string"; check = isString; options = textOptions; problem = textProblem; };

  code = { expected = "a string"; check = isString; options = textOptions // { language = text; }; problem = textProblem; };

  path = {
    expected = "an absolute path";
    check = value: oneLine value && match "/.*" value != null;
    options = textOptions;
    problem = textProblem;
  };

  int = {
    expected = "a whole number";
    check = isInt;
    options = { min = whole; max = whole; unit = text; };
    problem = declaration: value: first [
      (problemIf (declaration ? min && value < declaration.min) "expected at least ${toString declaration.min}, got ${toString value}")
      (problemIf (declaration ? max && value > declaration.max) "expected at most ${toString declaration.max}, got ${toString value}")
    ];
  };

  package = {
    expected = "the name of a package, such as \"htop\" or \"INPUT/NAME\"";
    check = value: isString value && match "([a-zA-Z0-9_-]+/)?[a-zA-Z0-9_+-]+(\\.[a-zA-Z0-9_+-]+)*" value != null;
    options = { };
    problem = _: _: null;
  };

  choice = {
    expected = "one of its choices";
    check = scalar;
    # Checked by declaration.nix, which makes each { value, displayName, visible? }.
    options.choices = { expected = "a list of values or of { value, displayName }"; check = value: isList value && value != [ ]; };
    problem = declaration: value:
      let values = map (one: one.value) declaration.choices;
      in problemIf (! elem value values) "expected one of ${list (map show values)}, got ${show value}";
  };

  list = {
    expected = "a list";
    check = isList;
    options = lengthOptions // {
      of = { expected = "the declaration of its elements, such as { type = \"string\"; }"; check = isAttrs; };
      elementName = { expected = "a text"; check = value: isString value || isAttrs value; };
      # Elements (groups) of the same value of this setting are one element, said in several places.
      key = text;
    };
    problem = declaration: value: first [
      (problemIf (declaration ? minLength && length value < declaration.minLength)
        "expected at least ${toString declaration.minLength} elements, got ${toString (length value)}")
      (problemIf (declaration ? maxLength && length value > declaration.maxLength)
        "expected at most ${toString declaration.maxLength} elements, got ${toString (length value)}")
    ];
  };

  group = {
    expected = "an object";
    check = isAttrs;
    options.settings = { expected = "an object of declarations"; check = isAttrs; };
    problem = _: _: null;
  };

  secret = {
    expected = "the name of a secret, or { secret, processing?, owner?, group?, mode? }";
    check = value: secretName value || isAttrs value && secretName (value.secret or null);
    options = {
      allowed = someOf secretTypes;
      processing = oneOf secretProcessings;
      owner = account;
      group = account;
      inherit mode;
    };
    problem = _: value:
      let
        keys = { secret = { check = secretName; expected = "a secret's name"; }; processing = oneOf secretProcessings; owner = account; group = account; inherit mode; };
        unknown = filter (key: ! keys ? ${key}) (attrNames value);
        wrong = filter (key: ! keys.${key}.check value.${key}) (attrNames value);
      in
      if isString value then null
      else if unknown != [ ] then "unknown ${list unknown}; expected one of ${list (attrNames keys)}"
      else problemIf (wrong != [ ])
        "${builtins.head wrong}: expected ${keys.${builtins.head wrong}.expected}, got ${show value.${builtins.head wrong}}";
  };

  artifact = {
    expected = "the path of a file or folder below artifacts/, without . or ..";
    check = inProject;
    options.kind = oneOf [ "file" "folder" ];
    problem = _: _: null;
  };

  schedule = {
    expected = "an object such as { \"kind\": \"calendar\", \"calendar\": [\"daily\"] }";
    check = isAttrs;
    options.kinds = someOf scheduleKinds;
    problem = scheduleProblem;
  };
}
