# Installs the secrets at the start of the machine, before the units that come after it. The daemon has written the program:
# where Thymesh itself lies on a portable device, no config knows. Secrets that are there already stay as they are.
{
  file = "nix/portable/secrets-unit.nix";
  Unit = {
    Description = "Secrets of this device";
    After = "local-fs.target";
    Before = "thymesh.service";
    ConditionPathExists = "/var/lib/thymesh/secrets/lay";
  };
  Service = {
    Type = "oneshot";
    RemainAfterExit = true;
    ExecStart = "/var/lib/thymesh/secrets/lay";
  };
  wantedBy = [ "multi-user.target" ];
}
