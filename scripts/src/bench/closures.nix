# Derivations out of unpacked Debian packages that reference each other as nixpkgs' do; see closures.ts.
{ spec }:
let
  parts = builtins.fromJSON (builtins.readFile spec);
  make = part: derivation {
    inherit (part) name salt;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ ./build-part.sh ];
    debs = map (deb: builtins.path { path = deb.file; name = deb.name; }) part.debs;
    deps = map (dep: built.${dep}) part.deps;
  };
  built = builtins.listToAttrs (map (part: { inherit (part) name; value = make part; }) parts);
in
built.bench-system
