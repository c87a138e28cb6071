# What takes in bundles from USB sticks on the portable target. The daemon has written the program.
settings:
let
  sticks = import ../../sticks {
    command = "/bin/sh ${../../sticks/take-stick.sh}";
    program = "/var/lib/thymesh/bin/thymesh";
    hook = settings.stickHook;
  };
in
{
  units."thymesh-stick@.service" = { Unit = sticks.unit; Service = sticks.service; };
  etc."udev/rules.d/80-thymesh-sticks.rules".text = sticks.rules;
}
