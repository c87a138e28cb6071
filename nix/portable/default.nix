# The portable target: a "system" for any Linux with systemd and Nix, out of units, /etc files and packages.
#
# Gives the top level: one derivation that refers to all the rest, so that its closure is what a device needs.
#
#   bin/switch-to-configuration   makes it run (see switch/)
#   etc/…                         what /etc gets, by way of /run/current-system
#   units/…                       systemd units; units/<target>.wants/ says what starts them
#   sw/bin/…                      the packages' programs
#   name, system, thymesh/target  what it is, one word each
#   thymesh/etc-files             the paths below etc/, a line each
#   thymesh/needs                 programs of the distribution that it calls, a line each (see merge.nix); absent if there are none
#   thymesh/leave/…               scripts that undo what units made elsewhere, once a generation lacks them (see switch/leave.sh)
#
# The builder is /bin/sh and needs mkdir, ln, cat, chmod and rm in /usr/bin, /bin, NixOS's system profile or `tools`.
# Inside Nix's sandbox there are none: turn it off, let those folders in (`extra-sandbox-paths`), or give `tools`.
{ name, system, modules, arguments, pkgsFor, tools ? [ ] }:
let
  inherit (import ../lib/text.nix) quote lines;
  merged = import ./merge.nix { inherit name modules arguments; pkgs = pkgsFor system; };
  inherit (merged) etc leave needs packages;
  usesSecrets = builtins.any (module: module.secrets or [ ] != [ ]) (builtins.attrValues modules);
  units = merged.units // (if usesSecrets then { "thymesh-secrets.service" = secretsUnit; } else { });
  secretsUnit = import ./secrets-unit.nix (
    builtins.attrValues (builtins.mapAttrs (name: unit: (import ./unit.nix name unit).text) merged.units)
    ++ map (file: file.text or "${file.source}") (builtins.attrValues etc)
  );

  renderedUnits = builtins.mapAttrs (import ./unit.nix) units;
  checkedEtc = import ./etc.nix etc;

  # Whatever text there is goes to the builder in a file: an environment variable ends at 128 KiB.
  texts = builtins.listToAttrs (
    map (unit: { name = "units/${unit}"; value = renderedUnits.${unit}.text; }) (builtins.attrNames units)
    ++ map (file: { name = "etc/${file}"; value = etc.${file}.text; }) textFiles
    ++ map (script: { name = "thymesh/leave/${script}"; value = leave.${script}.script; }) (builtins.attrNames leave)
    ++ (if needs == [ ] then [ ] else [{ name = "thymesh/needs"; value = lines needs + "\n"; }])
    ++ [{ name = "thymesh/etc-files"; value = builtins.concatStringsSep "" (map (file: "${file}\n") etcFiles); }]
  );
  etcFiles = builtins.attrNames checkedEtc;
  textFiles = builtins.filter (file: etc.${file} ? text) etcFiles;
  textNames = builtins.attrNames texts;
  variable = index: "text${toString index}";
  indices = builtins.genList (index: index) (builtins.length textNames);

  textLine = index:
    let path = builtins.elemAt textNames index;
    in "text ${quote path} \"\$${variable index}Path\"";
  linkLine = file: "link ${quote "etc/${file}"} ${quote "${etc.${file}.source}"}";
  wantLine = unit: map (target: "want ${quote unit} ${quote target}") renderedUnits.${unit}.wantedBy;

  plan = lines (
    map textLine indices
    ++ map (file: "executable ${quote "etc/${file}"}")
      (builtins.filter (file: etc.${file}.executable or false) textFiles)
    ++ map linkLine (builtins.filter (file: etc.${file} ? source) etcFiles)
    ++ builtins.concatMap wantLine (builtins.attrNames units)
    ++ map (package: "package ${quote "${package}"}") packages
  );
in
derivation (
  {
    name = "thymesh-${name}";
    inherit system plan;
    switch = import ./switch;
    configName = name;
    builder = "/bin/sh";
    args = [ "-eu" ./build.sh ];
    PATH = builtins.concatStringsSep ":" (tools ++ [ "/usr/bin" "/bin" "/run/current-system/sw/bin" ]);
    passAsFile = [ "plan" "switch" ] ++ map variable indices;
    # Nothing is compiled, and nobody else has it: not worth asking another machine.
    preferLocalBuild = true;
    allowSubstitutes = false;
  }
  // builtins.listToAttrs (
    map (index: { name = variable index; value = texts.${builtins.elemAt textNames index}; }) indices
  )
)
