# Installs the secrets at the start of the machine, and gives them to their owners, before the units that come after it. The
# daemon has written the program: where Thymesh itself lies on a portable device, no config knows. During an update the daemon
# has installed them already; then this gives them to owners that the same update makes. So it runs again whenever anything
# changes (`triggers`), after all that makes accounts.
triggers:
{
  file = "nix/portable/secrets-unit.nix";
  Unit = {
    Description = "Secrets of this device";
    After = [ "local-fs.target" "thymesh-users.service" ];
    Before = "thymesh.service";
    ConditionPathExists = "/var/lib/thymesh/secrets/lay";
  };
  Service = {
    Type = "oneshot";
    RemainAfterExit = true;
    ExecStart = "/var/lib/thymesh/secrets/lay";
  };
  wantedBy = [ "multi-user.target" ];
  restartTriggers = triggers;
}
