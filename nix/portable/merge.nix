# The merged results of a config's modules: { units, etc, leave, packages, needs }. The same name twice is an error, not a choice.
{ name, modules, arguments, pkgs }:
let
  inherit (import ../lib/errors.nix) fail forced onlyKeys show;

  results = builtins.mapAttrs
    (moduleName: module:
      let
        portable = module.portable or (fail module.file
          "has no `portable` function, but config ${name} has the target portable");
      in
      # All settings are checked, also those that the module doesn't look at.
      builtins.deepSeq module.settings (
        builtins.addErrorContext "while evaluating the module ${moduleName} (${module.file}) for config ${name}" (
          onlyKeys { inherit (module) file; what = "portable"; known = [ "units" "etc" "leave" "packages" "needs" ]; }
            (forced (portable (arguments // { inherit (module) settings; inherit pkgs; })))
        )
      ))
    modules;

  # [{ name, value, file }] of one kind in all modules.
  entries = kind: builtins.concatMap
    (moduleName:
      let
        file = modules.${moduleName}.file;
        set = results.${moduleName}.${kind} or { };
        entry = key: { name = key; inherit file; value = set.${key}; };
      in
      if builtins.isAttrs set then map entry (builtins.attrNames set)
      else fail file "${kind}: expected an attribute set, got ${show set}")
    (builtins.attrNames modules);

  single = kind: key: found:
    let files = map (entry: entry.file) found;
    in
    if builtins.length found == 1 then (builtins.head found).value // { inherit (builtins.head found) file; }
    else throw "config ${name}: ${kind}.\"${key}\" is in more than one module: ${builtins.concatStringsSep " and " files}";

  merged = kind:
    let
      all = map
        (entry:
          if builtins.isAttrs entry.value then entry
          else fail entry.file "${kind}.\"${entry.name}\": expected an attribute set, got ${show entry.value}")
        (entries kind);
    in
    builtins.mapAttrs (single kind) (builtins.groupBy (entry: entry.name) all);

  packagesOf = moduleName:
    let packages = results.${moduleName}.packages or [ ];
    in
    if builtins.isList packages then packages
    else fail modules.${moduleName}.file "packages: expected a list, got ${show packages}";

  # Lines of thymesh/needs: `PROGRAM|PROGRAM… PACKAGE MODULE`.
  needsOf = moduleName:
    let
      inherit (modules.${moduleName}) file;
      needs = results.${moduleName}.needs or [ ];
      word = text: builtins.isString text && builtins.match "[a-zA-Z0-9_./+@:-]{1,200}" text != null;
      line = need:
        let
          full = if builtins.isString need then { programs = [ need ]; package = need; }
            else { package = builtins.head need.programs; } // need;
          programs = full.programs or [ ];
        in
        if builtins.isAttrs need && ! (builtins.isList (need.programs or null) && need.programs != [ ]) then
          fail file "needs: expected a program's name, or { programs, package }, got ${show need}"
        else if ! builtins.isString need && ! builtins.isAttrs need || ! builtins.all word (programs ++ [ full.package ])
          || builtins.length programs > 10 then
          fail file "needs: expected names of at most ten programs and of a package, got ${builtins.toJSON need}"
        else "${builtins.concatStringsSep "|" programs} ${full.package} ${moduleName}";
    in
    if builtins.isList needs then map line needs
    else fail file "needs: expected a list, got ${show needs}";
in
{
  needs = builtins.concatMap needsOf (builtins.attrNames modules);
  units = merged "units";
  etc = merged "etc";
  leave = merged "leave";
  packages = builtins.concatMap packagesOf (builtins.attrNames modules);
}
