/**
 * The life of devices with real processes: two operators on laptops of their own, four devices. A device is called otherwise,
 * moves, is replaced, is retired, and goes on running what it should all the time.
 */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { assertContract } from './helpers/contract.ts'
import type { Device } from './helpers/device.ts'
import { Fleet, type Row } from './helpers/fleet.ts'
import { type Ended, freePort, runThymesh, runToEnd, until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

interface Member {
  name: string | null
  peer: string
  site: string | null
  state: string
}
interface Changed {
  device: string
  site: string | null
  peer: string | null
  written: string[]
  commit: string | null
  release: { release: number; published: boolean } | null
}

/** A module that reads a secret. */
const reader = `{
  displayName = "Reader";
  settings.key = { type = "secret"; };
  portable = { settings, ... }: { etc."reader.conf".text = "key file: \${settings.key.path}\\n"; };
}
`
const names = ['first', 'cellar', 'attic', 'porch']

describe('the life of devices', { skip: nixSkip(), timeout: 1_800_000 }, () => {
  let fleet: Fleet
  let ben: { project: string; env: NodeJS.ProcessEnv }
  const devices: Record<string, Device> = {}

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found(...names.slice(1))
    for (const name of names) devices[name] = await fleet.device(name)
    const [one, two] = names.map(name => devices[name]?.address ?? '')
    await fleet.commit('Where the mesh is', {
      'thymesh.json': {
        ...JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8')),
        bootstrap: [fleet.address, one, two],
      },
    })
    const token = await fleet.token()
    for (const device of Object.values(devices)) device.start(token)
    await writeFile(join(fleet.directory, 'key'), 'plain-4711\n')
    await fleet.json('secret', 'add', 'key', '--from', join(fleet.directory, 'key'))
    await until('all to be members', async () => (await members()).filter(each => each.state === 'member').length > 4)
    await fleet.commit('Version 1', {
      'modules/reader.nix': reader,
      'configs/hello.json': hello('version 1'),
      'configs/reader.json': hello('reads', { reader: { key: 'key' } }),
      'devices/porch.json': { config: 'reader' },
    })
    await deploy()
    await addBen()
  })
  after(() => fleet.remove())

  const members = async () => (await fleet.json<{ members: Member[] }>('members', '--wait', '5')).members
  const member = async (name: string) => (await members()).find(each => each.name === name && each.state !== 'revoked')
  const deploy = (...args: string[]) => fleet.json('deploy', '--timeout', '240', ...args)
  const row = async (name: string) => {
    const { devices: rows } = await fleet.json<{ devices: Row[] }>('status', '--wait', '5')
    return rows.find(({ device }) => device === name)
  }
  const runs = async (name: string, release: number) =>
    await until(`${name} to run ${release}`, async () => {
      const { state, release: running } = (await row(name)) ?? {}
      return state === 'running' && running === release
    })
  /** A secret in the clear, as a unit of the device would read it. */
  const secretOf = async (device: Device) =>
    await readFile(join(device.root, 'run/thymesh/secrets/key'), 'utf8').catch(() => undefined)

  /** The second laptop: keys, state and a clone of the project of its own. */
  async function addBen(): Promise<void> {
    const project = join(fleet.directory, 'ben-project')
    ben = { project, env: { ...fleet.env, THYMESH_HOME: join(fleet.directory, 'ben') } }
    await runToEnd('git', ['clone', '-q', fleet.project, project], { cwd: fleet.directory, env: fleet.env })
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`, '--no-mdns']
    const { card, directory } = JSON.parse(
      (await asBen('key', 'new', '--operator', 'ben', '--no-passphrase', ...listen)).stdout,
    ) as { card: string; directory: string }
    const settings = join(directory, '../controller.json')
    await writeFile(settings, JSON.stringify({ ...JSON.parse(await readFile(settings, 'utf8')), store: fleet.store }))
    await fleet.json('root', 'propose', '--add', card, '--yes')
  }

  async function asBen(...args: string[]): Promise<Ended> {
    return await runThymesh([...args, '--json'], { cwd: ben.project, env: ben.env })
  }

  it('gives a device another name while it runs, with its entry, its release and its certificate', async () => {
    const before = await member('cellar')
    const changed = await fleet.json<Changed>('rename', 'cellar', 'larder', '--commit')
    assert.deepEqual(changed.written.toSorted(), ['devices/cellar.json', 'devices/larder.json'])
    assert.notEqual(changed.commit, null)
    assert.equal(changed.peer, before?.peer)
    assert.equal((await member('larder'))?.peer, before?.peer)
    assert.equal(await member('cellar'), undefined)
    // Without a restart of its daemon, and with nothing to build.
    await runs('larder', changed.release?.release ?? 0)
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2') })
    const { release } = await deploy('--wait-for', 'larder')
    await runs('larder', release)
    assert.match((await devices.cellar?.etc('hello')) ?? '', /version 2/)
    // It keeps the name where it starts anew, whatever its settings said at first.
    await devices.cellar?.stop()
    devices.cellar?.start()
    await until('larder to be back', async () => (await row('larder'))?.state === 'running')
  })

  it('refuses a name that another device has, and one that nobody has', async () => {
    assert.match((await fleet.error('rename', 'larder', 'attic')).code, /name-taken/)
    assert.equal((await fleet.error('rename', 'nobody', 'somebody')).code, 'unknown-device')
    assert.equal((await fleet.error('move', 'nobody', '--site', 'east')).code, 'unknown-device')
    // A mistyped name is none that was renamed already; the one that was is, and nothing is left to do.
    assert.equal((await fleet.error('rename', 'celler', 'larder')).code, 'unknown-device')
    const again = await fleet.json<Changed>('rename', 'cellar', 'larder')
    assert.deepEqual([again.written, again.release], [[], null])
    assert.equal(existsSync(join(fleet.project, 'devices/larder.json')), true)
  })

  it('moves a device to another site without joining anew', async () => {
    const before = await member('attic')
    const changed = await fleet.json<Changed>('move', 'attic', '--site', 'east', '--commit')
    assert.equal(changed.site, 'east')
    const now = await member('attic')
    assert.deepEqual({ peer: now?.peer, site: now?.site }, { peer: before?.peer, site: 'east' })
    await devices.attic?.logged('its new site', ({ msg }) => msg === 'a controller has signed our certificate')
    await runs('attic', changed.release?.release ?? 0)
    assert.deepEqual(JSON.parse(await readFile(join(fleet.project, 'devices/attic.json'), 'utf8')), {
      config: 'hello',
      site: 'east',
    })
    // Said again, it does nothing.
    const again = await fleet.json<Changed>('move', 'attic', '--site', 'east')
    assert.deepEqual([again.written, again.release], [[], null])
  })

  it('ends in one place where two operators move a device at once', async () => {
    const [one, two] = await Promise.all([
      fleet.run('move', 'attic', '--site', 'north', '--json'),
      asBen('move', 'attic', '--site', 'south'),
    ])
    assert.equal(one.code, 0, one.stdout)
    assert.equal(two.code, 0, two.stdout)
    const site = await until('both laptops to name one site', async () => {
      const here = (await member('attic'))?.site
      const there = JSON.parse((await asBen('members', '--wait', '5')).stdout) as { members: Member[] }
      return there.members.find(({ name }) => name === 'attic')?.site === here && (here ?? false)
    })
    assert.ok(['north', 'south'].includes(site), site)
    // Whoever says it last and knows of the other decides, and the fleet goes on.
    const last = await fleet.json<Changed>('move', 'attic', '--site', 'north', '--commit')
    assert.equal((await member('attic'))?.site, 'north')
    await fleet.commit('Version 3', { 'configs/hello.json': hello('version 3') })
    const { release } = await deploy()
    assert.ok(release > (last.release?.release ?? 0))
    await runs('attic', release)
  })

  it('gives a site another name in all that names it, without joining anew', async () => {
    const before = await member('attic')
    const rule = { name: 'absent', when: { absent: '24h' } }
    await fleet.commit('A rule', { 'alerts.json': { rules: [{ ...rule, on: { sites: ['north'] } }] } })
    const changed = await fleet.json<Changed & { members: string[] }>('site', 'rename', 'north', 'harbour', '--commit')
    assert.deepEqual(changed.written.toSorted(), ['alerts.json', 'devices/attic.json'])
    assert.deepEqual(changed.members, ['attic'])
    const now = await member('attic')
    assert.deepEqual({ peer: now?.peer, site: now?.site }, { peer: before?.peer, site: 'harbour' })
    await runs('attic', changed.release?.release ?? 0)
    assert.match(await readFile(join(fleet.project, 'alerts.json'), 'utf8'), /"harbour"/)
    assert.equal((await fleet.error('site', 'rename', 'north', 'east')).code, 'unknown-site')
    assert.equal((await fleet.error('site', 'rename', 'harbour', 'harbour')).code, 'name-taken')
  })

  it('refuses to replace hardware that is at work', async () => {
    const error = await fleet.error('replace', 'porch', '--yes')
    assert.equal(error.code, 'still-alive')
    assert.equal((await member('porch'))?.state, 'member')
  })

  it('lets other hardware take the name, shuts the old one out, and has the secrets follow', async () => {
    const old = devices.porch as Device
    assert.equal(await secretOf(old), 'plain-4711')
    const before = await member('porch')
    // It is alive, and it is meant.
    const made = await fleet.json<{ token: string; revoked: { peer: string }[]; secrets: string[] }>(
      'replace',
      'porch',
      '--yes',
      '--force',
    )
    assert.deepEqual(
      made.revoked.map(({ peer }) => peer),
      [before?.peer],
    )
    assert.equal(made.secrets.length, 1)
    await old.logged('that it was revoked', ({ msg, reason }) => /revoked/.test(`${msg} ${reason}`))
    // The token is for this name alone.
    const stranger = await fleet.device('stranger')
    assert.notEqual((await stranger.refuse(made.token, '--name', 'garden')).code, 0)
    const fresh = await fleet.device('porch-2')
    fresh.start(made.token, '--name', 'porch')
    const finished = await fleet.json<{ peer: string; release: { release: number } | null }>(
      'replace',
      'porch',
      '--finish',
      '--timeout',
      '240',
    )
    assert.notEqual(finished.peer, before?.peer)
    assert.notEqual(finished.release, null)
    await runs('porch', finished.release?.release ?? 0)
    await until('its secret to be there', async () => (await secretOf(fresh)) === 'plain-4711')
    // The old hardware goes on with what it has, and hears of nothing new.
    assert.equal(await secretOf(old), 'plain-4711')
    const again = await fleet.json<{ release: unknown }>('replace', 'porch', '--finish', '--timeout', '240')
    assert.equal(again.release, null)
    await old.stop()
  })

  it('gathers what somebody who helps needs, without addresses', async () => {
    const support = await fleet.json<{ text: string; leftOut: { addresses: number } }>(
      'support',
      'larder',
      '--wait',
      '20',
    )
    for (const part of ['Why', 'The device', 'Releases', 'Alerts', 'Log of thymesh.service']) {
      assert.match(support.text, new RegExp(`^== ${part}`, 'm'))
    }
    assert.match(support.text, /larder runs release \d+/)
    assert.doesNotMatch(support.text, /tcp\/\d+.*192\.|plain-4711/)
    const file = join(fleet.directory, 'support.txt')
    const saved = await fleet.json<{ file: string }>('support', 'larder', '--wait', '20', '--save', file)
    assert.equal(saved.file, file)
    assert.match(await readFile(file, 'utf8'), /^The device larder, as of/m)
    assert.equal((await fleet.error('support', 'larder', '--save', file)).code, 'not-written')
    assert.equal((await fleet.error('support', 'nobody')).code, 'unknown-device')
  })

  it('says before a deploy which device gets another config', async () => {
    await fleet.write({ 'devices/larder.json': { config: 'reader' } })
    const { devices: switched, configs } = await fleet.json<{
      devices: object[]
      configs: { config: string }[]
    }>('diff')
    assert.deepEqual(switched, [{ device: 'larder', before: 'hello', after: 'reader' }])
    assert.deepEqual(configs.map(({ config }) => config).toSorted(), ['hello', 'reader'])
    await fleet.git('checkout', '-q', '--', 'devices')
  })

  it('retires a device: membership, entry, release; and says which secrets it could read', async () => {
    const peer = (await member('porch'))?.peer
    // What the project must not lose stops it before anything is done that can't be undone.
    const rules = join(fleet.project, 'alerts.json')
    const channels = { siren: { exec: 'siren', by: { devices: ['porch'] } } }
    const rule = { name: 'held', when: { held: true }, notify: ['siren'] }
    await writeFile(rules, JSON.stringify({ channels, rules: [rule] }))
    const stopped = await fleet.error('retire', 'porch', '--yes')
    assert.match(stopped.message, /alerts\.json/)
    assert.equal((await member('porch'))?.peer, peer)
    const both = { name: 'held', when: { held: true }, on: { devices: ['attic', 'porch'] } }
    await writeFile(rules, JSON.stringify({ rules: [both] }))
    const retired = await fleet.json<{
      revoked: { peer: string }[]
      written: string[]
      secrets: string[]
      release: { release: number }
    }>('retire', 'porch', '--yes', '--commit')
    assert.deepEqual(
      retired.revoked.map(each => each.peer),
      [peer],
    )
    assert.deepEqual(retired.written.toSorted(), ['alerts.json', 'devices/porch.json'])
    assert.doesNotMatch(await readFile(rules, 'utf8'), /porch/)
    assert.equal(retired.secrets.length, 1)
    const { releases } = await fleet.json<{ releases: { devices: object; configs: object }[] }>('releases')
    assert.deepEqual(Object.keys(releases[0]?.devices ?? {}).toSorted(), ['attic', 'first', 'larder'])
    assert.deepEqual(Object.keys(releases[0]?.configs ?? {}), ['hello'])
    assert.equal((await fleet.error('retire', 'porch', '--yes')).code, 'unknown-device')
    // What is left of the fleet goes on.
    await fleet.commit('Version 4', { 'configs/hello.json': hello('version 4') })
    await deploy()
  })

  it('leaves the fleet where the machine itself says so, and not beside its daemon', async () => {
    const device = devices.first as Device
    const leave = (...args: string[]) =>
      runThymesh(['leave', '--state', device.state, '--root', device.root, '--json', ...args], {
        cwd: '/',
        env: fleet.env,
      })
    assert.equal(JSON.parse((await leave('--yes')).stdout).error.code, 'daemon-runs')
    assert.equal(existsSync(join(device.state, 'identity.key')), true)
    await device.stop()
    assert.equal(JSON.parse((await leave()).stdout).error.code, 'not-confirmed')
    const left = await leave('--yes')
    assert.equal(left.code, 0, left.stdout)
    assertContract(['leave'], left.stdout)
    assert.equal(existsSync(device.state), false)
    assert.equal(JSON.parse((await leave('--yes')).stdout).error.code, 'no-member')
  })
})
