# What takes in bundles from USB sticks, for both targets: { rules, unit, service }. `command` starts take-stick.sh.
{ command, program, hook ? null }:
{
  rules = builtins.readFile ./sticks.rules;

  unit = {
    Description = "Bundles of Thymesh on %I";
    # A stick that is pulled out ends the unit.
    BindsTo = [ "dev-%i.device" ];
    After = [ "dev-%i.device" "thymesh.service" ];
  };

  service = {
    Type = "exec";
    ExecStart = "${command} ${program} /dev/%I /run/thymesh-stick-%i${if hook == null then "" else " ${hook}"}";
    # The device still lacks something, which another volume or a neighbour brings.
    SuccessExitStatus = 2;
    RuntimeDirectory = "thymesh-stick-%i";
    # As long as the stick is in, but not for ever.
    RuntimeMaxSec = "1d";
    PrivateMounts = true;
    PrivateNetwork = true;
    PrivateTmp = true;
    ProtectSystem = "full";
    ProtectHome = true;
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectKernelLogs = true;
    NoNewPrivileges = true;
    LockPersonality = true;
    RestrictRealtime = true;
    RestrictAddressFamilies = [ "AF_UNIX" ];
    SystemCallArchitectures = "native";
    CapabilityBoundingSet = [ "CAP_SYS_ADMIN" "CAP_DAC_OVERRIDE" "CAP_DAC_READ_SEARCH" ];
  };
}
