/** switch-to-configuration on a root directory: what each action changes, and that it changes nothing when it says no. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { nixSkip, succeeded, thisSystem, Workshop } from './workshop.ts'

/** Bodies of the module's `portable`, one generation each. */
const generations = {
  one: `{
    units."web.service" = { Service.ExecStart = "/bin/true"; wantedBy = [ "multi-user.target" ]; };
    units."old.service" = { Service.ExecStart = "/bin/true"; wantedBy = [ "old.target" ]; };
    etc."web/config.json".text = "1";
    etc."web/gone.json".text = "1";
    etc."deep/er/gone".text = "1";
    etc."folder/file".text = "1";
    etc."linked".source = ./linked;
  }`,
  two: `{
    units."web.service" = { Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ]; };
    units."new.service" = { Service.ExecStart = "/bin/true"; };
    etc."web/config.json".text = "2";
    etc."folder".source = ./linked;
    etc."linked/new".text = "2";
  }`,
}

describe('switch-to-configuration --root', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const tops = { one: '', two: '' }

  before(async () => {
    for (const name of ['one', 'two'] as const) {
      const project = workshop.project({
        'configs/shop.json': { system: thisSystem, modules: { web: {} } },
        'modules/web.nix': `{ portable = _: ${generations[name]}; }`,
        'modules/linked/inside': 'inside',
      })
      tops[name] = await workshop.build(project, 'shop')
    }
  })

  beforeEach(() => {
    for (const name of ['etc', 'run']) rmSync(workshop.at(name), { recursive: true, force: true })
  })

  /** Every file below a folder of the root: links with their targets, others with their content. */
  function tree(folder: string): Record<string, string> {
    const found: Record<string, string> = {}
    if (!existsSync(workshop.at(folder))) return found
    for (const name of readdirSync(workshop.at(folder), { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name)
      if (lstatSync(workshop.at(path)).isSymbolicLink()) found[path] = readlinkSync(workshop.at(path))
      else if (lstatSync(workshop.at(path)).isFile()) found[path] = readFileSync(workshop.at(path), 'utf8')
      else if (readdirSync(workshop.at(path)).length === 0) found[path] = 'empty'
    }
    return found
  }
  /** The files that a generation put there, without the lock and the lists of our own files. */
  function linked(): Record<string, string> {
    const all = { ...tree('etc'), ...tree('run') }
    const own = /^(run\/thymesh\/lock|etc\/thymesh\/(?:etc-|count-boot))/
    return Object.fromEntries(Object.entries(all).filter(([path]) => !own.test(path)))
  }
  const unit = (name: string) => `/run/current-system/units/${name}`
  const etc = (name: string) => `/run/current-system/etc/${name}`
  const one = () => ({
    'etc/web/config.json': etc('web/config.json'),
    'etc/web/gone.json': etc('web/gone.json'),
    'etc/deep/er/gone': etc('deep/er/gone'),
    'etc/folder/file': etc('folder/file'),
    'etc/linked': etc('linked'),
    'run/current-system': tops.one,
    'run/systemd/system/web.service': unit('web.service'),
    'run/systemd/system/old.service': unit('old.service'),
    'run/systemd/system/multi-user.target.wants/web.service': unit('web.service'),
    'run/systemd/system/old.target.wants/old.service': unit('old.service'),
  })
  const two = () => ({
    'etc/web/config.json': etc('web/config.json'),
    'etc/folder': etc('folder'),
    'etc/linked/new': etc('linked/new'),
    'run/current-system': tops.two,
    'run/systemd/system/web.service': unit('web.service'),
    'run/systemd/system/new.service': unit('new.service'),
    'run/systemd/system/multi-user.target.wants/web.service': unit('web.service'),
  })
  const test = async (top: string) => succeeded(await workshop.switch(top, 'test'))

  it('activates a first generation, a second one and the first again, and leaves nothing of the other', async () => {
    assert.equal(await test(tops.one), `runs ${tops.one}\n`)
    assert.deepEqual(linked(), one())
    await test(tops.two)
    assert.deepEqual(linked(), two())
    await test(tops.one)
    assert.deepEqual(linked(), one())
    await test(tops.one)
    assert.deepEqual(linked(), one())
  })

  it('keeps what others have beside our files', async () => {
    await test(tops.one)
    for (const name of ['etc/deep/er/theirs', 'run/systemd/system/theirs.service'])
      writeFileSync(workshop.at(name), 'x')
    await test(tops.two)
    assert.deepEqual(linked(), { ...two(), 'etc/deep/er/theirs': 'x', 'run/systemd/system/theirs.service': 'x' })
  })

  it('removes the links of the generation that ran before a reboot', async () => {
    await test(tops.one)
    rmSync(workshop.at('run'), { recursive: true })
    await test(tops.two)
    assert.deepEqual(linked(), two())
  })

  const obstacles: Record<string, string> = {
    'a file where a link shall be': 'etc/web/config.json',
    'a file where a directory shall be': 'etc/linked',
    'a unit where one of ours shall be': 'run/systemd/system/new.service',
    'a unit in /etc that would hide ours': 'etc/systemd/system/web.service',
    'something else that runs': 'run/current-system',
  }
  for (const [what, path] of Object.entries(obstacles)) {
    it(`changes nothing when there is ${what}`, async () => {
      await test(tops.one)
      rmSync(workshop.at(path), { force: true })
      mkdirSync(join(workshop.at(path), '..'), { recursive: true })
      writeFileSync(workshop.at(path), 'theirs')
      const before = linked()
      for (const action of ['test', 'switch', 'dry-activate']) {
        const { code, stderr } = await workshop.switch(tops.two, action)
        assert.equal(code, 1, stderr)
        assert.match(stderr, new RegExp(`${workshop.at(path)}.*\n.*nothing was changed`))
      }
      assert.deepEqual(linked(), before)
    })
  }

  it('takes away links to a unit of ours that systemctl enable has made, which would hide a newer one', async () => {
    await test(tops.one)
    const [ours, theirs] = ['web', 'theirs'].map(name => workshop.at(`etc/systemd/system/${name}.service`))
    mkdirSync(workshop.at('etc/systemd/system'), { recursive: true })
    symlinkSync(`${tops.one}/units/web.service`, ours ?? '')
    symlinkSync('/dev/null', theirs ?? '')
    await test(tops.two)
    assert.deepEqual(linked(), { ...two(), 'etc/systemd/system/theirs.service': '/dev/null' })
  })

  it('refuses to leave a machine without a daemon', async () => {
    const ours = workshop.at('run/systemd/system/thymesh.service')
    const own = workshop.at('usr/lib/systemd/system/thymesh.service')
    await test(tops.one)
    // As a generation with a daemon would have made it.
    symlinkSync(unit('thymesh.service'), ours)
    const { code, stderr } = await workshop.switch(tops.two, 'test')
    assert.equal(code, 1)
    assert.match(stderr, /brings no daemon, and the machine has none of its own/)
    mkdirSync(join(own, '..'), { recursive: true })
    writeFileSync(own, '')
    await test(tops.two)
    assert.deepEqual(linked(), two())
    rmSync(workshop.at('usr'), { recursive: true })
  })

  it('refuses a folder of its own that somebody put a file into, where a link shall be', async () => {
    await test(tops.one)
    writeFileSync(workshop.at('etc/folder/theirs'), 'x')
    const { code, stderr } = await workshop.switch(tops.two, 'test')
    assert.equal(code, 1)
    assert.match(stderr, /etc\/folder is in the way/)
  })

  it('follows no link out of the root', async () => {
    mkdirSync(workshop.at('etc'), { recursive: true })
    const outside = workshop.at('outside')
    mkdirSync(outside, { recursive: true })
    symlinkSync(outside, workshop.at('etc/web'))
    assert.equal((await workshop.switch(tops.one, 'test')).code, 1)
    assert.deepEqual(readdirSync(outside), [])
  })

  it('boot sets what a reboot starts and changes nothing that runs; test the other way round', async () => {
    await test(tops.one)
    assert.equal(succeeded(await workshop.switch(tops.two, 'boot')), `boots ${tops.two}\n`)
    const { 'etc/systemd/system/thymesh-boot.service': service, ...rest } = linked()
    assert.match(String(service), /^ExecStart=.*\bboot\b.*\/bin\/switch-to-configuration test --no-wait/m)
    const boot = (top: string) => ({
      'etc/systemd/system/multi-user.target.wants/thymesh-boot.service': '../thymesh-boot.service',
      'etc/thymesh/boot': top,
    })
    assert.deepEqual(rest, { ...one(), ...boot(tops.two) })

    succeeded(await workshop.switch(tops.one, 'switch'))
    await test(tops.two)
    const { 'etc/systemd/system/thymesh-boot.service': _, ...after } = linked()
    assert.deepEqual(after, { ...two(), ...boot(tops.one) })

    // The reboot: /run is empty, and the unit runs this.
    rmSync(workshop.at('run'), { recursive: true })
    await test(readlinkSync(workshop.at('etc/thymesh/boot')))
    const { 'etc/systemd/system/thymesh-boot.service': __, ...rebooted } = linked()
    assert.deepEqual(rebooted, { ...one(), ...boot(tops.one) })
  })

  it('boot-once sets what the next boot starts, and only that one', async () => {
    succeeded(await workshop.switch(tops.one, 'switch'))
    assert.equal(succeeded(await workshop.switch(tops.two, 'boot-once')), `boots ${tops.two} once\n`)
    assert.equal(linked()['run/current-system'], tops.one)
    const states = () => ['boot', 'boot-once', 'boot-trying'].map(name => linked()[`etc/thymesh/${name}`])
    assert.deepEqual(states(), [tops.one, tops.two, undefined])
    // What the unit runs first at each boot.
    const script = readFileSync(workshop.at('etc/thymesh/count-boot'), 'utf8')
    const start = () => workshop.run('sh', ['-c', script.replaceAll('/etc/thymesh', workshop.at('etc/thymesh'))])
    succeeded(await start())
    assert.deepEqual(states(), [tops.one, undefined, tops.two])
    succeeded(await start())
    assert.deepEqual(states(), [tops.one, undefined, undefined])
  })

  it('off leaves nothing of a generation, running or booting', async () => {
    mkdirSync(workshop.at('etc/theirs'), { recursive: true })
    writeFileSync(workshop.at('etc/theirs/file'), 'x')
    succeeded(await workshop.switch(tops.one, 'switch'))
    assert.equal(succeeded(await workshop.switch(tops.one, 'off')), 'runs nothing\n')
    const left = Object.keys(linked()).filter(path => !path.startsWith('etc/systemd/system/'))
    assert.deepEqual(
      left.filter(path => !/^(?:etc|run)(?:\/systemd\/system|\/thymesh)?$/.test(path)),
      ['etc/theirs/file'],
    )
  })

  it('boot remembers what to go back to, where boots are counted', async () => {
    succeeded(await workshop.switch(tops.one, 'switch'))
    workshop.environment.THYMESH_BOOT_TRIES = '2'
    try {
      succeeded(await workshop.switch(tops.two, 'boot'))
    } finally {
      delete workshop.environment.THYMESH_BOOT_TRIES
    }
    assert.equal(readlinkSync(workshop.at('etc/thymesh/boot-previous')), tops.one)
    assert.equal(readFileSync(workshop.at('etc/thymesh/boot-tries'), 'utf8'), '2\n')
    succeeded(await workshop.switch(tops.two, 'boot'))
    assert.equal(existsSync(workshop.at('etc/thymesh/boot-tries')), false)
  })

  it('finishes what an interrupted switch began', async () => {
    await test(tops.one)
    // As it is when the power of the second switch fails after its first links.
    mkdirSync(workshop.at('run/thymesh/pending'))
    symlinkSync(tops.one, workshop.at(`run/thymesh/pending/${tops.one.slice('/nix/store/'.length)}`))
    rmSync(workshop.at('run/current-system'))
    symlinkSync(tops.two, workshop.at('run/current-system'))
    symlinkSync('nowhere', workshop.at('run/current-system.thymesh-new'))
    await test(tops.two)
    assert.deepEqual(linked(), two())
  })

  it('keeps what runs and what boots from the garbage collector', async () => {
    await test(tops.one)
    succeeded(await workshop.switch(tops.two, 'boot'))
    const dead = succeeded(await workshop.run('nix-store', ['--gc', '--print-dead']))
    assert.ok(!dead.includes(tops.one) && !dead.includes(tops.two), dead)
  })

  it('says what dry-activate would do and does none of it', async () => {
    await test(tops.one)
    const before = linked()
    assert.equal(succeeded(await workshop.switch(tops.two, 'dry-activate')), `would run ${tops.two}\n`)
    assert.deepEqual(linked(), before)
  })

  it('runs once at a time', async () => {
    mkdirSync(workshop.at('run/thymesh'), { recursive: true })
    writeFileSync(workshop.at('run/thymesh/lock-holder'), '42\n')
    const holder = execFile('flock', [workshop.at('run/thymesh/lock'), 'sh', '-c', 'echo held; read -r _'])
    try {
      await new Promise(resolve => holder.stdout?.once('data', resolve))
      const { code, stderr } = await workshop.switch(tops.one, 'test')
      assert.equal(code, 1)
      assert.match(stderr, /another switch-to-configuration is running \(process 42\); nothing was changed/)
    } finally {
      holder.stdin?.end()
    }
    assert.equal(existsSync(workshop.at('run/current-system')), false)
  })

  it('ends with 2 and its usage on wrong arguments', async () => {
    const program = workshop.at(`${tops.one}/bin/switch-to-configuration`)
    const wrong: [string[], RegExp][] = [
      [[], /expected an action/],
      [['start'], /unknown action or option: start/],
      [['test', 'boot'], /more than one action/],
      [['test', '--root'], /--root needs a directory/],
      [['test', '--root', workshop.at('missing')], /there is no directory/],
      [['test', '--root', ''], /there is no directory/],
      [['test', '--root', workshop.at('nix')], /run a generation that lies in the store of this system/],
      [['test', '--force'], /unknown action or option: --force/],
    ]
    for (const [args, said] of wrong) {
      const { code, stdout, stderr } = await workshop.run(program, args)
      assert.deepEqual([code, stdout], [2, ''], args.join(' '))
      assert.match(stderr, said)
      assert.match(stderr, /usage: switch-to-configuration ACTION/)
    }
    assert.deepEqual(linked(), {})
  })
})
