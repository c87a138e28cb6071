/** Files of the projects that the tests deploy, beside the sample that `thymesh init` writes. */

import { thisSystem } from '../../nix/workshop.ts'

/** configs/hello.json: the sample's message, and other modules with their settings. */
export function hello(message: string, modules: Record<string, object> = {}): object {
  return { system: thisSystem, modules: { hello: { message }, ...modules } }
}

/** modules/blob.nix: a file of some megabytes of zeros, or of noise, in a store path of its own that ends in `-blob`. */
export const blobModule = `{
  settings.megabytes = { type = "int"; default = 1; };
  settings.noise = { type = "bool"; default = false; };
  portable = { settings, system, ... }: {
    etc."blob".source = derivation {
      name = "blob";
      inherit system;
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
      args = [ "-c" "head -c \${toString (settings.megabytes * 1048576)} \${if settings.noise then "/dev/urandom" else "/dev/zero"} >$out" ];
    };
  };
}
`
