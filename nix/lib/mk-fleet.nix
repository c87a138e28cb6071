# The outputs of a project's flake, read from its folders.
#
#   thymesh.configs.<name>      the top level of a config, to be built
#   thymesh.images.<name>       the images of a NixOS config, by format, to be built
#   thymesh.fleet               configs (with their settings in force), devices and tags, as plain data
#   thymesh.modules.<name>      each module's title, description and settings, as plain data
#   thymesh.deviceTypes.<name>  likewise
#   thymesh.sources.<source>    what Thymesh, the project and each input offer, by name
{
  # The project's flake (`self`), or any path to it.
  project,
  # The flake's inputs, in which modules, device types and packages are looked for.
  inputs ? project.inputs or { },
  # For configs with the target nixos, and for packages by name.
  nixpkgs ? inputs.nixpkgs or null,
  # What nixpkgs is configured with, such as { allowUnfree = true; }.
  nixpkgsConfig ? { },
  # Folders with mkdir, ln, cat, chmod and rm for builders that have none in /usr/bin, such as Nix's own
  # sandbox: [ "${pkgs.coreutils}/bin" ].
  tools ? [ ],
}:
let
  inherit (builtins) attrNames attrValues concatMap elem filter foldl' listToAttrs mapAttrs;
  files = import ./project-files.nix project;
  found = import ./sources.nix { inherit project inputs nixpkgs; };
  checkedType = entry: import ./device-type.nix { inherit (entry) file content name source; };
  sources = found // { deviceTypeOf = file: what: name: checkedType (found.deviceType file what name); };

  # One set of packages for each system, however many configs want it.
  packageSets = listToAttrs (map
    (system: {
      name = system;
      value =
        if nixpkgs == null then { }
        else if nixpkgsConfig == { } && nixpkgs ? legacyPackages.${system} then nixpkgs.legacyPackages.${system}
        else import nixpkgs { inherit system; config = nixpkgsConfig; };
    })
    (import ./systems.nix).systems);
  pkgsFor = system: packageSets.${system};

  # The program that NixOS devices run is built from this input, if there is one.
  nixos = import ../nixos { inherit nixpkgs nixpkgsConfig; source = inputs.thymesh-source or null; };

  targets = {
    portable = config: import ../portable {
      inherit (config) name system modules arguments;
      inherit tools pkgsFor;
    };
    nixos = config: (nixos config).topLevel;
  };

  tags = mapAttrs (import ./tag.nix { inherit sources; }) files.tags;
  configs = mapAttrs (import ./config.nix { inherit tags sources targets; }) files.configs;
  devices = mapAttrs (import ./device.nix { inherit configs tags sources; }) files.devices;

  inherit (import ./evaluate.nix { inherit project sources tags pkgsFor; }) evaluate ownName;
  named = config: { inherit (config) name; value = config; };
  own = map (device: evaluate device.config device) (filter (device: device.own) (attrValues devices));
  # A config all of whose devices have their own needs no system: it may lack what each device says for itself.
  shared = filter
    (config:
      let its = filter (device: device.config.name == config.name) (attrValues devices);
      in ! config.perDevice && (its == [ ] || builtins.any (device: ! device.own) its))
    (attrValues configs);
  evaluated = listToAttrs (map named (map (config: evaluate config null) shared ++ own));

  deviceData = device: {
    config = if device.own then ownName device.config.name device.name else device.config.name;
    inherit (device) tags;
  }
  // (if device.own then { base = device.config.name; } else { })
  // (if device.type == null then { } else { type = device.type.name; })
  // builtins.intersectAttrs { site = null; displayName = null; description = null; } device;

  described = mapAttrs (_: module: module.description);
  onNixos = filter (name: evaluated.${name}.target == "nixos") (attrNames evaluated);
in
{
  thymesh = {
    configs = mapAttrs (_: config: targets.${config.target} config) evaluated;
    images = listToAttrs (map
      (name: { inherit name; value = (nixos evaluated.${name}).images; })
      onNixos);
    fleet = {
      configs = mapAttrs (_: import ./config-data.nix) evaluated;
      devices = mapAttrs (_: deviceData) devices;
      tags = mapAttrs (_: tag: { inherit (tag) displayName description priority modules; }) tags;
    } // (if files.rollout == null then { } else { inherit (files) rollout; });
    # The project's own last: they replace built-in ones of the same name.
    modules = foldl' (all: source: all // described sources.modules.${source}) { }
      (filter (input: ! sources.catalogue.${input} ? problem) sources.inputs ++ [ "thymesh" "project" ]);
    modulesOf = mapAttrs (_: described) sources.modules;
    deviceTypes = mapAttrs (_: entry: removeAttrs (checkedType entry) [ "nixos" "image" ]) sources.deviceTypes;
    sources = sources.catalogue;
  };
}
