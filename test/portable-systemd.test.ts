/** The portable target on a real systemd: what runs after each action, after a failure and after a power cut. */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabHost } from './lab/host.ts'
import { labSkip } from './lab/needs.ts'
import { nixSkip, thisSystem, Workshop } from './nix/workshop.ts'

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
const generations = {
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
  kernel: `${service('keep')} ${service('change', 'one')} ${service('gone')} ${sliced('60')}
    etc."udev/rules.d/99-lab.rules".text = "KERNEL==\\"null\\", SYMLINK+=\\"lab-null\\"\\n";
    etc."sysctl.d/lab.conf".text = "net.ipv4.ip_default_ttl = 63\\nkernel.panic = 7\\n";
    etc."modules-load.d/lab.conf".text = "thymesh-has-no-such-module\\n";
    etc."systemd/logind.conf.d/lab.conf".text = "[Login]\\nKillUserProcesses=no\\n";`,
}

type Generation = keyof typeof generations

/** The signs of each complete generation: all of it, and nothing of another one. */
const shown: Record<Generation, string[]> = {
  one: ['keep active', 'change active one', 'gone active', 'new inactive', 'both one', 'gone one'],
  two: ['keep active', 'change active two', 'gone inactive', 'new active', 'both two', 'deep two'],
  broken: ['keep active', 'change active broken', 'gone inactive', 'new active', 'both broken'],
  early: ['keep active', 'change active one', 'gone active', 'new inactive'],
  over: ['keep active', 'change active one', 'gone active', 'new inactive'],
  kernel: ['keep active', 'change active one', 'gone active', 'new inactive'],
}

/** Units of the distribution: one that is enabled, one that isn't. */
const ownUnit = (name: string) =>
  `[Service]\nExecStartPre=/bin/sh -c 'echo distribution >/run/${name}'\nExecStart=/bin/sleep infinity\n`
const distribution = {
  '/usr/lib/systemd/system/own.service': ownUnit('own'),
  '/usr/lib/systemd/system/idle.service': ownUnit('idle'),
  '/usr/lib/systemd/system/lane@.service': ownUnit('lane-%i'),
  '/usr/lib/systemd/system/rival@.service': ownUnit('rival-%i'),
  '/usr/lib/systemd/system/multi-user.target.d/own.conf': '[Unit]\nWants=own.service\n',
}

const look = `
for name in keep change gone new; do
  content=; [ $name != change ] || content=" $(cat /run/change 2>&1)"
  echo "$name $(systemctl is-active $name.service)$content"
done
for file in both gone new/deep; do
  [ ! -e /etc/lab/$file ] && [ ! -h /etc/lab/$file ] || echo "$(basename $file) $(cat /etc/lab/$file 2>&1)"
done`

describe('switch-to-configuration under systemd', { skip: labSkip() || nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const tops: Record<Generation, string> = { one: '', two: '', broken: '', early: '', over: '', kernel: '' }
  let host: LabHost

  before(async () => {
    for (const name of Object.keys(generations) as Generation[]) {
      const project = workshop.project({
        'configs/shop.json': { system: thisSystem, modules: { shop: {} } },
        'modules/shop.nix': `{ portable = _: { ${generations[name]} }; }`,
      })
      tops[name] = await workshop.build(project, 'shop')
    }
  })

  /** Runs an action of a generation; its exit code, with all that it said for the message of an assertion. */
  async function run(generation: Generation, action: string) {
    return host.exec([`${tops[generation]}/bin/switch-to-configuration`, action])
  }
  async function succeeds(generation: Generation, action: string): Promise<string> {
    const { code, stdout, stderr } = await run(generation, action)
    assert.equal(code, 0, `${action} of ${generation}: ${stdout}${stderr}`)
    return stdout
  }
  const state = async () => (await host.must(['sh', '-c', look])).split('\n')
  const current = () => host.must(['readlink', '/run/current-system'])
  const pid = (name: string) => host.unit(name, 'MainPID')

  async function runs(generation: Generation): Promise<void> {
    assert.deepEqual(await state(), shown[generation])
    assert.equal(await current(), tops[generation])
  }

  /** Each test has a new machine, with generation one running and set for boot. */
  beforeEach(async () => {
    // The closures get into the machine with the store that they were built in.
    host = await LabHost.create({
      name: 'shop',
      files: distribution,
      binds: [{ from: workshop.at('/nix'), to: '/nix', writable: true }],
    })
    await host.boot()
    await succeeds('one', 'switch')
    await runs('one')
  })
  afterEach(() => host?.[Symbol.asyncDispose]())

  it('starts what is new, restarts what changed, stops what is gone and leaves the rest alone', async () => {
    await host.must(['systemctl', 'start', 'cut@instance.service'])
    const before = { keep: await pid('keep'), change: await pid('change'), instance: await pid('cut@instance') }
    await succeeds('two', 'test')
    await runs('two')
    assert.equal(await pid('keep'), before.keep)
    assert.notEqual(await pid('change'), before.change)
    assert.notEqual(await pid('cut@instance'), before.instance)
    assert.notEqual(await pid('cut@instance'), '0')
    assert.match(await host.unit('tick.timer', 'TimersMonotonic'), /OnActiveUSec=2h/)

    await succeeds('one', 'test')
    await runs('one')
    assert.equal(await pid('keep'), before.keep)
  })

  it('moves a socket whose service runs', async () => {
    await host.must(['systemctl', 'start', 'door.service'])
    await succeeds('two', 'test')
    assert.equal(await host.unit('door.socket', 'ActiveState'), 'active')
    await host.must(['test', '-S', '/run/back'])
  })

  it('does nothing when the generation runs already', async () => {
    const before = await pid('change')
    assert.doesNotMatch(await succeeds('one', 'test'), /started|stopped/)
    assert.equal(await pid('change'), before)
  })

  it('only says what it would do with dry-activate', async () => {
    const said = await succeeds('two', 'dry-activate')
    for (const line of ['would stop gone', 'would restart change', 'would start new']) {
      assert.ok(said.includes(`${line}.service`), said)
    }
    await runs('one')
  })

  it("puts its units over the distribution's that run, and brings these back", async () => {
    const states = async () => [
      await host.must(['sh', '-c', 'cat /run/own']),
      await host.unit('own.service', 'ActiveState'),
      await host.unit('idle.service', 'ActiveState'),
    ]
    assert.deepEqual(await states(), ['distribution', 'active', 'inactive'])
    await succeeds('over', 'switch')
    assert.deepEqual(await states(), ['over', 'active', 'active'])
    await succeeds('one', 'test')
    assert.deepEqual(await states(), ['distribution', 'active', 'inactive'])
    // Also where that was before another boot.
    await host.reboot()
    assert.deepEqual(await states(), ['over', 'active', 'active'])
    await succeeds('one', 'switch')
    assert.deepEqual(await states(), ['distribution', 'active', 'inactive'])
    // And one that somebody has started, although nothing starts it with the machine.
    await host.must(['systemctl', 'start', 'idle.service'])
    await succeeds('over', 'test')
    await succeeds('one', 'test')
    assert.deepEqual(await states(), ['distribution', 'active', 'active'])
  })

  it("brings back instances of a template that it puts over the distribution's, and what gave way to it", async () => {
    const states = async () => [
      await host.unit('lane@one.service', 'ActiveState'),
      (await host.unit('lane@one.service', 'ExecStart')).includes('2d') ? 'over' : 'distribution',
      await host.unit('lane@two.service', 'ActiveState'),
      await host.unit('rival@one.service', 'ActiveState'),
      await host.unit('screen.service', 'ActiveState'),
    ]
    await host.must(['systemctl', 'start', 'lane@one.service', 'rival@one.service'])
    const before = ['active', 'distribution', 'inactive', 'active', 'inactive']
    assert.deepEqual(await states(), before)
    await succeeds('over', 'test')
    assert.deepEqual(await states(), ['active', 'over', 'inactive', 'inactive', 'active'])
    // Nor while it is there.
    await succeeds('over', 'test')
    assert.deepEqual(await states(), ['active', 'over', 'inactive', 'inactive', 'active'])
    await succeeds('one', 'test')
    assert.deepEqual(await states(), before)
  })

  it('puts files in force that are read before it is there, now and at the next boot', async () => {
    const holds = async () => {
      for (const unit of ['named.service', 'user.service'])
        assert.equal(await host.unit(unit, 'ActiveState'), 'active', unit)
      assert.equal(await host.must(['stat', '-c', '%U %a', '/run/lab-folder']), 'lab-user 750')
    }
    const journal = await host.unit('systemd-journald.service', 'InvocationID')
    const said = await succeeds('early', 'switch')
    for (const folder of ['sysusers.d', 'tmpfiles.d', 'systemd/journald.conf.d', 'dbus-1/system.d']) {
      assert.match(said, new RegExp(`^applied /etc/${folder}$`, 'm'))
    }
    assert.match(said, /^not in force: \/etc\/crypttab: /m)
    assert.notEqual(await host.unit('systemd-journald.service', 'InvocationID'), journal)
    await holds()
    // Nothing has changed.
    assert.doesNotMatch(await succeeds('early', 'test'), /applied/)
    await host.reboot()
    await holds()
  })

  it('puts slices, udev rules, sysctl and kernel modules in force, or names them', async () => {
    const notes = async () => (await host.exec(['cat', '/run/thymesh/not-in-force'])).stdout.split('\n')
    const named = async (folder: string) => (await notes()).some(line => line.startsWith(`/etc/${folder}: `))
    const tasks = () => host.unit('lab.slice', 'TasksMax')
    await succeeds('early', 'switch')
    assert.equal(await tasks(), '50')
    const sliced = await pid('sliced')
    await succeeds('kernel', 'switch')
    assert.equal(await tasks(), '60')
    assert.equal(await pid('sliced'), sliced)
    const inForce = {
      'udev/rules.d': ['test', '-e', '/dev/lab-null'],
      'sysctl.d': [
        'bash',
        '-c',
        'echo 7 63 | diff - <(echo $(cat /proc/sys/kernel/panic /proc/sys/net/ipv4/ip_default_ttl))',
      ],
      'modules-load.d': ['grep', '-q', '^thymesh_has_no_such_module ', '/proc/modules'],
    }
    for (const [folder, command] of Object.entries(inForce)) {
      const { code } = await host.exec(command)
      assert.equal(await named(folder), code !== 0, `${folder} ends with ${code}: ${await notes()}`)
    }
    assert.ok(await named('systemd/logind.conf.d'))
    // What wasn't in force before is not in force after a switch without changes; a boot puts some of it in force.
    await succeeds('kernel', 'test')
    assert.ok(await named('systemd/logind.conf.d'))
    assert.ok(await named('modules-load.d'))
    await host.reboot()
    assert.equal(await named('systemd/logind.conf.d'), false)
    assert.ok(await named('modules-load.d'))
    await succeeds('one', 'switch')
    assert.ok(await named('modules-load.d'))
    await host.reboot()
    assert.deepEqual(await notes(), [''])
  })

  it('is back at the old generation when the power goes after test', async () => {
    await succeeds('two', 'test')
    await host.powerCut()
    await host.boot()
    await runs('one')
    assert.equal(await host.must(['systemctl', 'is-system-running']), 'running')
  })

  it('leaves alone what runs with boot, and comes up with it when the power goes', async () => {
    await succeeds('two', 'boot')
    await runs('one')
    await host.powerCut()
    await host.boot()
    await runs('two')
    await host.reboot()
    await runs('two')
  })

  it('says when units fail, runs all others, and is not what boots then', async () => {
    const { code, stderr } = await run('broken', 'switch')
    assert.equal(code, 4, stderr)
    assert.match(stderr, /bad\.service/)
    await runs('broken')
    assert.equal(await host.unit('bad.service', 'ActiveState'), 'failed')
    await host.reboot()
    await runs('one')
  })

  it('clears the failure with the next generation', async () => {
    assert.equal((await run('broken', 'test')).code, 4)
    await succeeds('one', 'switch')
    await runs('one')
    assert.equal(await host.must(['systemctl', 'list-units', '--failed', '--plain', '--no-legend']), '')
  })

  it('goes on from where a switch was killed', async () => {
    for (const milliseconds of await moments('test', 2)) {
      await interrupted('test', milliseconds, ['pkill', '-KILL', '-f', 'switch-to-configuration'])
      await succeeds('two', 'test')
      await runs('two')
      await succeeds('one', 'test')
      await runs('one')
    }
  })

  it('runs the old or the new generation whole, whenever the power goes during a switch', async () => {
    for (const milliseconds of await moments('switch', 5)) {
      await interrupted('switch', milliseconds)
      await host.boot()
      await runs((await current()) === tops.two ? 'two' : 'one')
      await succeeds('one', 'switch')
    }
  })

  /** So many points of time, in milliseconds, spread evenly over what an action of generation two takes here. */
  async function moments(action: string, count: number): Promise<number[]> {
    const start = performance.now()
    await succeeds('two', action)
    const whole = performance.now() - start
    await succeeds('one', action)
    return Array.from({ length: count }, (_, index) => (whole * (index + 1)) / (count + 1))
  }

  /** Starts an action of generation two and ends it after a while: by a command, or with the whole machine. */
  async function interrupted(action: string, milliseconds: number, command?: string[]): Promise<void> {
    const running = run('two', action)
    await sleep(milliseconds)
    await (command ? host.exec(command) : host.powerCut())
    await running
  }
})
