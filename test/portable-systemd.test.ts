/** The portable target on a real systemd: what runs after each action, after a failure and after a power cut. */

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabHost } from './lab/host.ts'
import { labSkip } from './lab/needs.ts'
import { distribution, type Generation, generations, look, shown } from './lab/portable-generations.ts'
import { nixSkip, thisSystem, Workshop } from './nix/workshop.ts'

describe('switch-to-configuration under systemd', { skip: labSkip() || nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const tops: Record<Generation, string> = {
    one: '',
    two: '',
    broken: '',
    early: '',
    over: '',
    kernel: '',
    'drop-ins': '',
  }
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

  it('puts drop-ins of units that run in force, and names those of units that nobody restarts', async () => {
    const own = async () => [
      await host.unit('own.service', 'Environment'),
      await host.must([
        'sh',
        '-c',
        `tr '\\0' '\\n' </proc/$(systemctl show --value -p MainPID own)/environ | grep LAB || echo none`,
      ]),
      await host.unit('idle.service', 'ActiveState'),
    ]
    const dbus = await pid('dbus.service')
    assert.deepEqual(await own(), ['', 'none', 'inactive'])
    await succeeds('drop-ins', 'test')
    assert.deepEqual(await own(), ['LAB=1', 'LAB=1', 'inactive'])
    assert.equal(
      await host.must(['cat', '/run/thymesh/not-in-force']),
      '/etc/systemd/system/dbus.service.d: dbus.service is not restarted before the next boot',
    )
    assert.equal(await pid('dbus.service'), dbus)
    const started = await pid('own.service')
    await succeeds('drop-ins', 'test')
    assert.equal(await pid('own.service'), started, 'once')
    await succeeds('one', 'switch')
    assert.deepEqual(await own(), ['', 'none', 'inactive'])
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
