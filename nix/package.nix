# The program, built from its sources: the bundle that devices start, on nixpkgs' Node.
{
  lib,
  buildNpmPackage,
  callPackage,
  importNpmLock,
  makeWrapper,
  nodejs_24,
  # The repository. Beside this folder, if the flake was taken from it whole (…?dir=nix). Not called `src`: callPackage
  # would give nixpkgs' package of that name.
  source ? ../.,
}:
let
  flags = builtins.fromJSON (builtins.readFile ./node-flags.json);
  environment = builtins.fromJSON (builtins.readFile ./node-env.json);
  there = builtins.pathExists (source + "/package.json");
  package = builtins.fromJSON (builtins.readFile (source + "/package.json"));
  packageLock = builtins.fromJSON (builtins.readFile (source + "/package-lock.json"));
in
if ! there then
  throw "Thymesh's sources aren't beside its Nix files: add the flake input thymesh-source = { url = \"github:thymesh/thymesh\"; flake = false; }, or set services.thymesh.node.package"
else
buildNpmPackage {
  pname = "thymesh";
  inherit (package) version;
  src = source;
  nodejs = nodejs_24;
  nativeBuildInputs = [ makeWrapper ];

  npmDeps = importNpmLock {
    inherit package packageLock;
    packageSourceOverrides = callPackage ./npm-sources.nix { nodejs = nodejs_24; } packageLock;
  };
  inherit (importNpmLock) npmConfigHook;
  # No package runs a script of its own: native modules bring prebuilt binaries, and Node is nixpkgs'.
  npmFlags = [ "--ignore-scripts" ];
  dontNpmBuild = true;
  buildPhase = ''
    runHook preBuild
    node scripts/src/bundle.ts
    runHook postBuild
  '';
  installPhase = ''
    runHook preInstall
    mkdir -p $out/lib/thymesh $out/bin
    cp -r dist nix package.json $out/lib/thymesh/
    # What the bundle loads by itself: classic-level, with its binaries.
    for module in classic-level abstract-level buffer is-buffer base64-js ieee754 level-supports level-transcoder maybe-combine-errors module-error napi-macros node-gyp-build; do
      if [ -d node_modules/$module ]; then
        mkdir -p $out/lib/thymesh/node_modules
        cp -r node_modules/$module $out/lib/thymesh/node_modules/
      fi
    done
    makeWrapper ${nodejs_24}/bin/node $out/bin/thymesh --run 'ulimit -c 0' \
      ${builtins.concatStringsSep " " (map (name: "--set ${name} ${environment.${name}}") (builtins.attrNames environment))} \
      --add-flags "${builtins.concatStringsSep " " flags} $out/lib/thymesh/dist/thymesh.mjs"
    runHook postInstall
  '';
  meta = {
    description = package.description;
    license = lib.licenses.asl20;
    platforms = lib.platforms.linux;
    mainProgram = "thymesh";
  };
}
