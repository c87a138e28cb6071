# The text of bin/switch-to-configuration: its parts, one idea each, in one file, since a device that is half
# updated should depend on nothing but this file.
let
  part = name: builtins.readFile (./. + "/${name}.sh");
in
builtins.replaceStrings [ "@storeDir@" ] [ builtins.storeDir ] ("#!/bin/sh\n" + builtins.concatStringsSep "\n" (map part [
  "usage"
  "lock"
  "links"
  "preflight"
  "etc"
  "units"
  "systemd"
  "early"
  "boot"
  "leave"
  "main"
]))
