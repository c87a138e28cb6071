# Where modules, device types and packages come from: Thymesh itself, the project, and its inputs.
#
#   catalogue   source → { displayName, description, modules, deviceTypes, packages }: names only, read without
#               evaluating any of it, so that one broken file doesn't hide the rest
#   modules     source → name → module (see module.nix); an input's names are INPUT/NAME
#   module      file: what: name: the module of that name, or an error
#   deviceType  likewise
#   package     system: likewise
#
# An input offers what its output `thymesh` says, { modules, deviceTypes, displayName, description }, where modules and
# device types are paths or attribute sets by name; or, with a file thymesh-repository.json, what its folders modules/
# and device-types/ hold. Every input's packages.<system> are INPUT/NAME. An input is looked into only when a name asks
# for it, or the catalogue does.
{ project, inputs, nixpkgs }:
let
  inherit (import ./errors.nix) fail list show;
  inherit (import ./texts.nix) localised;
  inherit (builtins) attrNames concatMap elem filter head isAttrs isString listToAttrs mapAttrs match pathExists readFile;

  names = "[a-zA-Z0-9][a-zA-Z0-9_-]*";
  files = root: place: name: import ./folder.nix { inherit root name names place; ending = "nix"; };
  fromFiles = mapAttrs (_: found: { inherit (found) file; content = import found.path; });

  own = root: place: {
    modules = fromFiles (files root place "modules");
    deviceTypes = fromFiles (files root place "device-types");
    packages = files root place "packages";
  };
  thymesh = own ../. "thymesh: nix/" // { displayName = { en = "Thymesh"; }; description = { en = "The modules of Thymesh itself"; }; };
  ofProject = own project "" // { displayName = { en = "Project"; }; description = { en = "The project's own"; }; };

  # What an input offers, or null when it says nothing of Thymesh.
  offered = name: input:
    let
      place = "input ${name}: ";
      marker = input + "/thymesh-repository.json";
      about = builtins.fromJSON (readFile marker);
      output = input.thymesh;
      entry = kind: id: given:
        if match names id == null then fail "input ${name}" "thymesh.${kind}: the name ${show id} can't be used: expected ${names}"
        else if builtins.isPath given || isString given then { file = "${place}${baseNameOf given}"; content = import given; }
        else { file = "${place}thymesh.${kind}.${id}"; content = given; };
      text = key: default: from: localised { file = "input ${name}"; what = key; } (from.${key} or default);
    in
    if isAttrs input && input ? thymesh && isAttrs output && (output ? modules || output ? deviceTypes) then {
      modules = mapAttrs (entry "modules") (output.modules or { });
      deviceTypes = mapAttrs (entry "deviceTypes") (output.deviceTypes or { });
      displayName = text "displayName" name output;
      description = text "description" "" output;
    }
    else if pathExists marker then
      (own input place) // { displayName = text "displayName" name about; description = text "description" "" about; }
    else null;
  # `self` is the project, and Thymesh is there anyway.
  external = removeAttrs inputs [ "self" "thymesh" ];
  offers = mapAttrs offered external;
  empty = { modules = { }; deviceTypes = { }; };

  module = source: prefix: id: { file, content }: import ./module.nix
    {
      name = prefix + id;
      inherit file source;
      overrides = source == "project" && thymesh.modules ? ${id};
    }
    content;
  prefixed = prefix: set: listToAttrs (map (id: { name = prefix + id; value = set.${id}; }) (attrNames set));
  modulesOf = source: prefix: set: prefixed prefix (mapAttrs (module source prefix) set);

  ownModules = modulesOf "project" "" ofProject.modules;
  builtIn = modulesOf "thymesh" "" thymesh.modules;
  # A project's own module replaces the built-in one of its name, so that a new version of Thymesh, with a new
  # built-in module of a name that is in use, changes nothing.
  unprefixed = builtIn // ownModules;

  # "input/name" → { input, id }; null for a name of the project's or Thymesh's.
  split = name:
    let parts = match "([^/]+)/(.+)" name;
    in if parts == null then null else { input = head parts; id = builtins.elemAt parts 1; };

  find = { kind, folder, local, inInput }: file: what: name:
    let
      parts = split name;
      offer = inInput parts.input;
      known = attrNames local;
    in
    if parts == null then
      local.${name} or (fail file "${what}: there is no ${folder}/${name}.nix; the project has ${list known}")
    else if ! external ? ${parts.input} then
      fail file "${what}: the project has no input ${parts.input}; its inputs are ${list (attrNames external)}"
    else offer.${parts.id} or (fail file "${what}: input ${parts.input} offers no ${kind} ${parts.id}; it offers ${list (attrNames offer)}");

  offerOf = input: let offer = offers.${input}; in if offer == null then empty else offer;
  unprefix = prefix: set: listToAttrs (map
    (name: { name = builtins.substring (builtins.stringLength prefix) 1000 name; value = set.${name}; })
    (attrNames set));

  deviceTypes = mapAttrs (name: entry: entry // { inherit name; source = "thymesh"; }) thymesh.deviceTypes
    // mapAttrs (name: entry: entry // { inherit name; source = "project"; }) ofProject.deviceTypes;

  systemPackages = system: input: external.${input}.packages.${system} or { };
  catalogued = source: prefix: {
    inherit (source) displayName description;
    modules = map (id: prefix + id) (attrNames source.modules);
    deviceTypes = map (id: prefix + id) (attrNames source.deviceTypes);
  };
in
{
  inherit deviceTypes;
  inputs = attrNames external;
  catalogue = {
    thymesh = catalogued thymesh "" // { packages = { }; };
    project = catalogued ofProject "" // { packages = attrNames ofProject.packages; };
  } // mapAttrs
    (input: offer:
      # What throws is said; what Nix can't go on from (an input that can't be fetched, an error in its flake.nix) ends
      # the evaluation, which is why the controller asks for each source by itself.
      let
        tried = builtins.tryEval (builtins.deepSeq said said);
        packages = builtins.mapAttrs (_: set: attrNames set) (external.${input}.packages or { });
        said = catalogued (if offer == null then empty // { displayName = { en = input; }; description = { en = ""; }; } else offer) "${input}/"
          // { inherit packages; offers = offer != null; };
      in
      if tried.success then tried.value
      else {
        displayName.en = input;
        description.en = "";
        modules = [ ];
        deviceTypes = [ ];
        packages = { };
        offers = true;
        problem = "it can't be evaluated: nix eval .#thymesh.sources.${input} says why";
      })
    offers;

  modules = { thymesh = builtIn; project = ownModules; }
    // mapAttrs (input: offer: if offer == null then { } else modulesOf input "${input}/" offer.modules) offers;

  module = find {
    kind = "module";
    folder = "modules";
    local = unprefixed;
    inInput = input: unprefix "${input}/" (modulesOf input "${input}/" (offerOf input).modules);
  };

  deviceType = find {
    kind = "device type";
    folder = "device-types";
    local = deviceTypes;
    inInput = input: mapAttrs (id: entry: entry // { name = "${input}/${id}"; source = input; }) (offerOf input).deviceTypes;
  };

  # A package by its name: INPUT/NAME, one of the project's packages/, or one of nixpkgs.
  package = { system, pkgs }: { file, what }: name:
    let
      parts = split name;
      path = filter isString (builtins.split "\\." name);
      step = set: key: if set == null then null else if isAttrs set && set ? ${key} then set.${key} else null;
      found = builtins.foldl' step pkgs path;
      thymeshLib = import ./default.nix;
    in
    if parts != null && elem parts.input [ "nixpkgs" ] == false && ! external ? ${parts.input} then
      fail file "${what}: the project has no input ${parts.input}; its inputs are ${list (attrNames external)}"
    else if parts != null && parts.input != "nixpkgs" then
      (systemPackages system parts.input).${parts.id} or (fail file
        "${what}: input ${parts.input} has no package ${parts.id} for ${system}; it has ${list (attrNames (systemPackages system parts.input))}")
    else if ofProject.packages ? ${name} then
      import ofProject.packages.${name}.path { inherit system pkgs project; thymesh = thymeshLib; }
    else if nixpkgs == null then
      fail file "${what}: there is no packages/${name}.nix, and the project has no input nixpkgs to look for ${show name} in"
    else if found == null then fail file "${what}: nixpkgs has no package ${name}, and there is no packages/${name}.nix"
    else found;
}
