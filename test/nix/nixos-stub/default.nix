# A stand-in for nixpkgs, for tests on machines that have none: NixOS's options by name and type, and packages that are
# only names. A misspelt option, or a value of a wrong type, fails as it would there.
let
  lib = import ./lib.nix // {
    nixosSystem = { system, modules }: (import ./lib.nix).evalModules {
      args = { inherit lib; pkgs = packages system; modulesPath = toString ./nixos/modules; };
      modules = [
        ./options.nix
        ({ config, ... }: {
          # All that is set is looked at, as a real system would.
          system.build.toplevel = builtins.deepSeq (removeAttrs config [ "system" ]) {
            outPath = "/nix/store/top-level-${config.system.name}-${config.system.stateVersion}";
            inherit (config.system) name;
            config = removeAttrs config [ "system" "nixpkgs" ];
          };
        })
      ] ++ modules;
    };
  };
  package = name: { outPath = "/nix/store/${name}"; inherit name; };
  names = [ "bash" "cacert" "chromium" "cmake" "dejavu_fonts" "ninja" "coreutils" "dosfstools" "e2fsprogs" "git" "htop" "iproute2" "mtools" "nftables" "nixos-install-tools" "openssh" "qemu" "parted" "pulseaudio" "qt6-app" "shadow" "systemd" "unclutter-xfixes" "util-linux" "x11vnc" "tigervnc" "dzen2" "sway-unwrapped" "wayvnc" "nodejs_24" "raspberrypifw" "ubootRaspberryPiAarch64" "ubootRaspberryPi4_64bit" ];
  packages = system: builtins.listToAttrs (map (name: { inherit name; value = package name; }) names) // {
    inherit system lib;
    OVMF = { firmware = package "ovmf-code"; variables = package "ovmf-vars"; };
    writeShellScriptBin = name: text: package "${name}-${builtins.hashString "md5" text}" // { inherit text; };
    xorg.xset = package "xset";
    xorg.xrandr = package "xrandr";
    stdenv.mkDerivation = given: builtins.deepSeq (removeAttrs given [ "src" ]) (package "${given.pname}-${given.version}");
    qt6 = { wrapQtAppsHook = package "wrap"; qtbase = package "qtbase"; qtdeclarative = package "qtdeclarative"; qtwayland = package "qtwayland"; };
    linuxPackages_latest = { };
    python3.withPackages = choose: package "python3-with-${builtins.concatStringsSep "-" (map (one: one.name) (choose { requests = package "requests"; }))}";
    formats.json = _: { type = lib.types.attrsOf lib.types.anything; generate = name: value: package "${name}-${builtins.hashString "md5" (builtins.toJSON value)}"; };
    writeText = name: text: package "${name}-${builtins.hashString "md5" text}";
    writeShellScript = name: text: package "${name}-${builtins.hashString "md5" text}";
    writeShellApplication = { name, runtimeInputs, text }: builtins.deepSeq [ (map (one: one.outPath) runtimeInputs) text ] (package name);
    buildNpmPackage = given: builtins.deepSeq (removeAttrs given [ "src" "meta" ]) (package "thymesh-${given.version}" // { inherit (given) npmDeps; });
    # The real one writes where each direct dependency lies into package.json: all of them need a source.
    importNpmLock = {
      __functor = _: { package, packageLock, packageSourceOverrides ? { } }:
        let
          resolved = name: packageLock.packages."node_modules/${name}".resolved or packageSourceOverrides."node_modules/${name}".outPath;
        in
        builtins.deepSeq (map resolved (builtins.attrNames (package.dependencies // package.devDependencies))) { outPath = "/nix/store/npm-deps"; };
      npmConfigHook = package "npm-hook";
    };
    # A package of the name of a usual argument, which nixpkgs has no more.
    src = throw "The \"src\" package has been renamed to \"simple-revision-control\"";
    stdenvNoCC = {
      mkDerivation = given: given // { outPath = "/nix/store/${given.name}"; };
      hostPlatform.parsed.cpu.name = builtins.head (builtins.split "-" system);
    };
    makeWrapper = package "make-wrapper";
    callPackage = file: given:
      let function = if builtins.isFunction file then file else import file; wanted = builtins.functionArgs function;
      in function (builtins.intersectAttrs wanted (packages system) // given);
  };
in
{
  inherit lib;
  outPath = ./.;
  legacyPackages = builtins.listToAttrs (map (system: { name = system; value = packages system; }) [ "x86_64-linux" "aarch64-linux" ]);
}
