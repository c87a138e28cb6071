# A stand-in for nixpkgs whose systems boot: Debian's programs, and around them what NixOS makes of a config. The options are
# those of the stub that the tests evaluate against (./stub); kernel and initrd lie beside this file.
let
  stub = import ./stub;
  inherit (import ./stub/lib.nix) evalModules;
  system = "x86_64-linux";

  # A file, or a program, in the store.
  write = name: executable: text: derivation {
    inherit name system text;
    passAsFile = [ "text" ];
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-euc" ''cat "$textPath" >"$out"; ${if executable then ''chmod +x "$out"'' else ""}'' ];
  };
  script = name: text: write name true "#!/bin/sh\n${text}";

  padded = padding: derivation {
    name = "kernel";
    inherit system padding;
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-euc" ''cat ${./kernel} >"$out"; printf '%s' "$padding" >>"$out"'' ];
  };

  # Programs are Debian's.
  debian = { outPath = "/usr"; };
  packages = stub.legacyPackages.${system} // {
    coreutils = debian;
    systemd = debian;
    util-linux = debian;
    writeShellScript = script;
    writeShellScriptBin = name: text: derivation {
      inherit name system text;
      passAsFile = [ "text" ];
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
      args = [ "-euc" ''mkdir -p "$out/bin"; { echo '#!/bin/sh'; cat "$textPath"; } >"$out/bin/$name"; chmod +x "$out/bin/$name"'' ];
    };
    qemu = debian;
    OVMF = { firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd"; variables = "/usr/share/OVMF/OVMF_VARS_4M.fd"; };
    writeText = name: text: write name false text;
    formats.json = _: {
      type = stub.lib.types.attrsOf stub.lib.types.anything;
      generate = name: value: write name false (builtins.toJSON value);
    };
  };

  text = value: if value == true then "true" else if value == false then "false" else "${toString value}";
  lines = key: value: if builtins.isList value then map (one: "${key}=${text one}") value else [ "${key}=${text value}" ];
  section = name: values:
    let all = builtins.concatLists (builtins.attrValues (builtins.mapAttrs lines values));
    in "[${name}]\n" + builtins.concatStringsSep "" (map (line: "${line}\n") all);
  listed = name: values: if values == [ ] then { } else { ${name} = builtins.concatStringsSep " " values; };

  # As NixOS writes a service: what a switch goes by is in the unit.
  serviceText = name: unit:
    let
      runs = if unit.script == "" then { } else { ExecStart = script "unit-script-${name}-start" unit.script; };
      environment = { PATH = builtins.concatStringsSep ":" (map (one: "${one}/bin") (unit.path ++ [ "/usr" ]) ++ [ "/usr/sbin" ]); }
        // unit.environment;
      triggers = if unit.restartTriggers == [ ] then { } else { X-Restart-Triggers = builtins.hashString "sha256" (builtins.toJSON unit.restartTriggers); };
    in
    section "Unit" ({ Description = unit.description; }
      // listed "After" unit.after // listed "Before" unit.before // listed "Wants" unit.wants // listed "Requires" unit.requires
      // listed "PartOf" unit.partOf // triggers // unit.unitConfig
      // (if unit.restartIfChanged then { } else { X-RestartIfChanged = false; }))
    + section "Service" ({ Environment = map (key: "\"${key}=${toString environment.${key}}\"") (builtins.attrNames environment); } // runs // unit.serviceConfig);

  # The options that the scenarios set beside NixOS's own.
  more = { lib, ... }: {
    options.lab.inhibitors = lib.mkOption { type = lib.types.attrsOf lib.types.str; default = { }; };
    # Makes another kernel: some bytes behind the same one.
    options.lab.kernelPadding = lib.mkOption { type = lib.types.str; default = ""; };
  };

  # Accounts, as the users' activation script makes them before units start.
  accounts = users: builtins.concatStringsSep "" (map
    (name: "id ${name} >/dev/null 2>&1 || useradd ${if users.${name}.isNormalUser then "--create-home" else "--system"} ${name}\n")
    (builtins.attrNames users));

  topLevel = config:
    let
      units = config.systemd.services;
      links = kind: builtins.concatMap (name: map (target: "${target}.${kind}/${name}.service") units.${name}.${if kind == "wants" then "wantedBy" else "requiredBy"}) (builtins.attrNames units);
      etc = builtins.mapAttrs (name: file: if file.text != null then write (builtins.baseNameOf name) false file.text else file.source) config.environment.etc;
      entries = set: builtins.concatStringsSep "\n" (map (name: "${name} ${set.${name}}") (builtins.attrNames set)) + "\n";
    in
    derivation {
      inherit system;
      name = "nixos-system-${config.system.name}";
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
      args = [ "-eu" ./top-level.sh ];
      kernel = if config.lab.kernelPadding == "" then ./kernel else padded config.lab.kernelPadding;
      initrd = ./initrd;
      init = script "init" (builtins.readFile ./init.sh);
      switch = script "switch-to-configuration" (builtins.readFile ./switch.sh);
      kernelParams = builtins.concatStringsSep " " config.boot.kernelParams;
      inhibitors = builtins.toJSON config.lab.inhibitors;
      counts = if config.boot.loader.systemd-boot.bootCounting.enable then toString config.boot.loader.systemd-boot.bootCounting.tries else "";
      accounts = accounts config.users.users;
      files = entries etc;
      services = entries (builtins.mapAttrs (name: unit: write "unit-${name}.service" false (serviceText name unit)) units);
      wants = builtins.concatStringsSep "\n" (links "wants" ++ links "requires") + "\n";
      passAsFile = [ "files" "services" "wants" "accounts" "inhibitors" ];
    };

  lib = stub.lib // {
    nixosSystem = { system, modules }:
      let
        result = evalModules {
          args = { inherit lib; pkgs = packages; modulesPath = toString ./stub/nixos/modules; };
          modules = [
            ./stub/options.nix
            more
            ({ config, ... }: { system.build.toplevel = topLevel config; nix.package = debian; services.thymesh.node.package = { outPath = "/opt/thymesh"; }; })
          ] ++ modules;
        };
      in
      result;
  };
in
{ inherit lib; outPath = ./.; legacyPackages.${system} = packages; }
