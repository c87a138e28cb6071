/** Generations of the portable target for a machine of the lab, what shows each of them, and units of the distribution beside them. */

/** A service that has written `content` to /run/NAME when it is active, and then sleeps. */
const service = (name: string, content = name) => `
  units."${name}.service" = {
    Service.ExecStartPre = "/bin/sh -c 'echo ${content} >/run/${name}'";
    Service.ExecStart = "/bin/sleep infinity";
    wantedBy = [ "multi-user.target" ];
  };`

/** A socket and its service, which can't be bound to a new address while the service runs. */
const door = (address: string) => `
  units."door.socket" = { Socket.ListenStream = "/run/${address}"; wantedBy = [ "sockets.target" ]; };
  units."door.service" = { Service.ExecStart = "/bin/sleep infinity"; };`

/** A service in a slice with a limit of its own. */
const sliced = (tasks: string) => `
  units."lab.slice" = { Slice.TasksMax = "${tasks}"; };
  units."sliced.service" = {
    Service.Slice = "lab.slice"; Service.ExecStart = "/bin/sleep infinity"; wantedBy = [ "multi-user.target" ];
  };`

/** Bodies of the module's `portable`, one generation each. */
export const generations = {
  one: `${service('keep')} ${service('change', 'one')} ${service('gone')} ${door('front')}
    units."tick.timer" = { Timer.OnActiveSec = "1h"; wantedBy = [ "timers.target" ]; };
    units."tick.service" = { Service.Type = "oneshot"; Service.ExecStart = "/bin/true"; };
    units."cut@.service" = { Service.ExecStart = "/bin/sleep infinity"; };
    etc."lab/both".text = "one";
    etc."lab/gone".text = "one";`,
  two: `${service('keep')} ${service('change', 'two')} ${service('new')} ${door('back')}
    units."tick.timer" = { Timer.OnActiveSec = "2h"; wantedBy = [ "timers.target" ]; };
    units."tick.service" = { Service.Type = "oneshot"; Service.ExecStart = "/bin/true"; };
    units."cut@.service" = { Service.ExecStart = "/bin/sleep 1d"; };
    etc."lab/both".text = "two";
    etc."lab/new/deep".text = "two";`,
  broken: `${service('keep')} ${service('change', 'broken')} ${service('new')}
    units."bad.service" = {
      Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
    };
    units."needs-bad.service" = {
      Unit.Requires = "bad.service"; Unit.After = "bad.service";
      Service.ExecStart = "/bin/sleep infinity"; wantedBy = [ "multi-user.target" ];
    };
    etc."lab/both".text = "broken";`,
  early: `${service('keep')} ${service('change', 'one')} ${service('gone')}
    etc."sysusers.d/lab.conf".text = "u lab-user -\\n";
    etc."tmpfiles.d/lab.conf".text = "d /run/lab-folder 0750 lab-user root\\n";
    etc."systemd/journald.conf.d/lab.conf".text = "[Journal]\\nMaxLevelStore=debug\\n";
    etc."dbus-1/system.d/lab.conf".text = "<busconfig><policy user=\\"root\\"><allow own=\\"lab.test\\"/></policy></busconfig>\\n";
    etc."crypttab".text = "\\n";
    ${sliced('50')}
    units."named.service" = {
      Service.Type = "oneshot";
      Service.RemainAfterExit = true;
      Service.ExecStart = "/usr/bin/busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus RequestName su lab.test 4";
      Unit.Requires = "dbus.service";
      Unit.After = "dbus.service";
      wantedBy = [ "multi-user.target" ];
    };
    units."user.service" = {
      Service.Type = "oneshot";
      Service.RemainAfterExit = true;
      Service.User = "lab-user";
      Service.ExecStart = "/bin/sh -c 'echo here >/run/lab-folder/file'";
      wantedBy = [ "multi-user.target" ];
    };`,
  over: `${service('keep')} ${service('change', 'one')} ${service('gone')} ${service('own', 'over')} ${service('idle', 'over')}
    units."lane@.service" = { Service.ExecStart = "/bin/sleep 2d"; };
    units."screen.service" = {
      Unit.Conflicts = "shutdown.target rival@one.service";
      Service.ExecStart = "/bin/sleep infinity"; wantedBy = [ "multi-user.target" ];
    };`,
  'drop-ins': `${service('keep')} ${service('change', 'one')} ${service('gone')}
    etc."systemd/system/own.service.d/lab.conf".text = "[Service]\\nEnvironment=LAB=1\\n";
    etc."systemd/system/dbus.service.d/lab.conf".text = "[Service]\\nEnvironment=LAB=1\\n";
    etc."systemd/system/idle.service.d/lab.conf".text = "[Service]\\nEnvironment=LAB=1\\n";`,
  kernel: `${service('keep')} ${service('change', 'one')} ${service('gone')} ${sliced('60')}
    etc."udev/rules.d/99-lab.rules".text = "KERNEL==\\"null\\", SYMLINK+=\\"lab-null\\"\\n";
    etc."sysctl.d/lab.conf".text = "net.ipv4.ip_default_ttl = 63\\nkernel.panic = 7\\n";
    etc."modules-load.d/lab.conf".text = "thymesh-has-no-such-module\\n";
    etc."systemd/logind.conf.d/lab.conf".text = "[Login]\\nKillUserProcesses=no\\n";`,
}

export type Generation = keyof typeof generations

/** The signs of each complete generation: all of it, and nothing of another one. */
export const shown: Record<Generation, string[]> = {
  one: ['keep active', 'change active one', 'gone active', 'new inactive', 'both one', 'gone one'],
  two: ['keep active', 'change active two', 'gone inactive', 'new active', 'both two', 'deep two'],
  broken: ['keep active', 'change active broken', 'gone inactive', 'new active', 'both broken'],
  early: ['keep active', 'change active one', 'gone active', 'new inactive'],
  over: ['keep active', 'change active one', 'gone active', 'new inactive'],
  'drop-ins': ['keep active', 'change active one', 'gone active', 'new inactive'],
  kernel: ['keep active', 'change active one', 'gone active', 'new inactive'],
}

/** Units of the distribution: one that is enabled, one that isn't. */
const ownUnit = (name: string) =>
  `[Service]\nExecStartPre=/bin/sh -c 'echo distribution >/run/${name}'\nExecStart=/bin/sleep infinity\n`
export const distribution = {
  '/usr/lib/systemd/system/own.service': ownUnit('own'),
  '/usr/lib/systemd/system/idle.service': ownUnit('idle'),
  '/usr/lib/systemd/system/lane@.service': ownUnit('lane-%i'),
  '/usr/lib/systemd/system/rival@.service': ownUnit('rival-%i'),
  '/usr/lib/systemd/system/multi-user.target.d/own.conf': '[Unit]\nWants=own.service\n',
}

export const look = `
for name in keep change gone new; do
  content=; [ $name != change ] || content=" $(cat /run/change 2>&1)"
  echo "$name $(systemctl is-active $name.service)$content"
done
for file in both gone new/deep; do
  [ ! -e /etc/lab/$file ] && [ ! -h /etc/lab/$file ] || echo "$(basename $file) $(cat /etc/lab/$file 2>&1)"
done`
