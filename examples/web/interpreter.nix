# The Node.js binary and the C library that it needs, as `fetch-interpreter` put them into the store.
{ thymesh, system, project }:
let
  file = project + "/interpreter.json";
  all = if builtins.pathExists file then builtins.fromJSON (builtins.readFile file) else { };
  known = all.${system} or (throw
    "interpreter.json: has nothing for ${system}; run ./fetch-interpreter on such a machine, then git add interpreter.json");
  inStore = name: thymesh.inStore {
    inherit system;
    inherit (known.${name}) name hash;
    hint = "run ./fetch-interpreter in the project";
  };
in
rec {
  nodejs = inStore "nodejs";
  cLibrary = inStore "c-library";
  # The dynamic linker as the program: it needs nothing outside the store, and no file has to be patched.
  command = "${cLibrary}/lib/${known.c-library.loader} --library-path ${cLibrary}/lib ${nodejs}/bin/node";
}
