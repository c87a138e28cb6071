# A system that a device can activate: what it consists of, and a switch-to-configuration that notes that it runs, or boots.
{ name, parts }:
let
  store = path: builtins.storePath path;
in
derivation {
  inherit name;
  system = builtins.currentSystem;
  builder = "/bin/sh";
  parts = map store (builtins.fromJSON parts);
  args = [
    "-c"
    ''
      export PATH=/usr/bin:/bin
      mkdir -p $out/bin
      printf '%s\n' $parts >$out/parts
      cat >$out/bin/switch-to-configuration <<END
      #!/bin/sh
      # ACTION --root DIRECTORY
      set -eu
      mkdir -p "\$3/run" "\$3/etc/thymesh"
      [ "\$1" = boot ] || ln -sfn $out "\$3/run/current-system"
      [ "\$1" = test ] || ln -sfn $out "\$3/etc/thymesh/boot"
      END
      chmod +x $out/bin/switch-to-configuration
    ''
  ];
}
