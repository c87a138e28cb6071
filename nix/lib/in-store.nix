# A path that was put into the store by other means than a build, known by its hash.
#
# Pure evaluation knows no store paths that it hasn't made. A fixed-output derivation with the same name and
# hash has the very path that `nix-store --add-fixed --recursive sha256` gives, so Nix finds it there and never
# runs the builder; where the path is missing, the builder says what to do. Such a path can't have references.
{
  name,
  # sha256 of its NAR, in any of Nix's notations.
  hash,
  system,
  # What to do if the store doesn't have it.
  hint ? "add it with `nix-store --add-fixed --recursive sha256`",
}:
derivation {
  inherit name system hint;
  outputHashMode = "recursive";
  outputHashAlgo = "sha256";
  outputHash = hash;
  builder = "/bin/sh";
  args = [ "-c" "echo \"$name isn't in the store: $hint\" >&2; exit 1" ];
}
