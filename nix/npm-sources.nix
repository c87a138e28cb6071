# The npm packages of a lock file, each by its name, version and hash: where in node_modules → the package as it was published.
#
# The lock file names no addresses, so npm itself looks them up, in whatever registry it has. A package is right if it has
# the hash. Packages for other machines are left out, as npm does.
{ lib, stdenvNoCC, cacert, nodejs }:
lock:
let
  inherit (builtins) elem elemAt filter isString split;
  host = stdenvNoCC.hostPlatform;
  cpu = { x86_64 = "x64"; aarch64 = "arm64"; }.${host.parsed.cpu.name} or host.parsed.cpu.name;
  # One system may replace a list of one.
  allows = wanted: given: elem wanted (if isString given then [ given ] else given);
  fits = package:
    allows "linux" (package.os or "linux") && allows cpu (package.cpu or cpu) && allows "glibc" (package.libc or "glibc");
  # node_modules/a/node_modules/@b/c is @b/c.
  nameOf = place: let parts = filter isString (split "node_modules/" place); in elemAt parts (builtins.length parts - 1);

  fetch = place: package: stdenvNoCC.mkDerivation {
    name = "${builtins.replaceStrings [ "@" "/" ] [ "" "-" ] (nameOf place)}-${package.version}.tgz";
    outputHash = package.integrity;
    nativeBuildInputs = [ nodejs ];
    NODE_EXTRA_CA_CERTS = "${cacert}/etc/ssl/certs/ca-bundle.crt";
    impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "NPM_CONFIG_REGISTRY" ];
    buildCommand = ''
      export HOME=$TMPDIR
      npm pack --ignore-scripts --pack-destination "$TMPDIR" ${lib.escapeShellArg "${nameOf place}@${package.version}"}
      mv "$TMPDIR"/*.tgz $out
    '';
    preferLocalBuild = true;
  };
in
lib.mapAttrs fetch (lib.filterAttrs (_: package: package ? integrity && fits package) lock.packages)
