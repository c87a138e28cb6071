/**
 * Several operators with real processes: keys of their own, sealed; a new root; releases that two of them must sign. They
 * are never online together: one device carries everything from the one to the other.
 */

import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'
import { type Ended, freePort, runThymesh, until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

const passphrase = 'five random words are enough'
/** What a proposal may take to come from the device, on a loaded machine. */
const patient = ['--news', '120']

interface ProposalJson {
  id: string
  release: number | null
  root: number | null
  operator: string
  complete: boolean
  withdrawn: boolean
  signatures: { part: string; signed: string[]; threshold: number }[]
  changes: { device: string; before: unknown; after: { config: string; topLevel: string } | null }[]
}

const isRelease = ({ release, root, withdrawn }: ProposalJson) => release !== null && root === null && !withdrawn

describe('a fleet of several operators', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let device: Device
  let homes: Record<'ben' | 'cleo', string>

  before(async () => {
    fleet = await Fleet.prepare()
    homes = { ben: join(fleet.directory, 'ben'), cleo: join(fleet.directory, 'cleo') }
    await fleet.found()
    device = await fleet.device('first')
    device.start(await fleet.token('--bootstrap', device.address))
    await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
    await fleet.json('deploy', '-m', 'version 1', '--timeout', '240')
    await fleet.commit('Where the mesh is', {
      'thymesh.json': { ...(await projectFile()), bootstrap: [device.address] },
    })
  })
  after(() => fleet.remove())

  async function projectFile(): Promise<object> {
    return JSON.parse((await fleet.git('show', 'HEAD:thymesh.json')).trim())
  }

  /** Another operator's command, on a machine of their own but for the project, which Git would bring. */
  async function as(operator: 'ben' | 'cleo', ...args: string[]): Promise<Ended> {
    const env = { ...fleet.env, THYMESH_HOME: homes[operator], THYMESH_PASSPHRASE: passphrase }
    return await runThymesh([...args, '--json'], { cwd: fleet.project, env })
  }

  async function json<T>(operator: 'ben' | 'cleo', ...args: string[]): Promise<T> {
    const ended = await as(operator, ...args)
    assert.equal(ended.code, 0, `${operator}: thymesh ${args.join(' ')}: ${ended.stdout}${ended.stderr}`)
    return JSON.parse(ended.stdout) as T
  }

  async function error(operator: 'ben' | 'cleo', ...args: string[]): Promise<ErrorJson['error']> {
    const ended = await as(operator, ...args)
    assert.equal(ended.code, 1, `${operator}: thymesh ${args.join(' ')}: ${ended.stdout}${ended.stderr}`)
    return (JSON.parse(ended.stdout) as ErrorJson).error
  }

  /** The proposal, once the operator has it: proposals come beside the first news of a peer. */
  const listed = async (operator: 'ben' | 'cleo', fits: (proposal: ProposalJson) => boolean) =>
    await until(`${operator} to hear of the proposal`, async () => {
      const { proposals } = await json<{ proposals: ProposalJson[] }>(operator, 'proposals', '--wait', '60')
      return proposals.find(fits)
    })
  /** Waits until the founder, or another operator, has this root, which `by` has published. */
  async function heard(root: number, by: 'ben' | 'cleo', operator?: 'ben' | 'cleo'): Promise<void> {
    const ask = async <T>(...args: string[]) =>
      await (operator === undefined ? fleet.json<T>(...args) : json<T>(operator, ...args))
    await until(`${operator ?? 'the founder'} to hear of root ${root}`, async () => {
      await ask('status', '--wait', '60')
      if ((await ask<{ version: number }>('root', 'show')).version === root) return true
      // Who published it may have left before the device had it.
      await json(by, 'status', '--wait', '60')
      return false
    })
  }

  it('lets others make keys, sealed by a passphrase, and adds them to a new root', async () => {
    const cards: string[] = []
    for (const operator of ['ben', 'cleo'] as const) {
      const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`, '--no-mdns']
      const made = await json<{ card: string; sealed: boolean }>(
        operator,
        'key',
        'new',
        '--operator',
        operator,
        ...listen,
      )
      assert.equal(made.sealed, true)
      cards.push(made.card)
    }
    const added = ['--add', cards[0] ?? '', '--add', cards[1] ?? '']
    const two = ['--threshold', 'root=2', '--threshold', 'targets=2']
    assert.equal(
      (await fleet.error('root', 'propose', ...added, '--threshold', 'targets=9', '--yes')).code,
      'threshold',
    )
    assert.equal((await fleet.error('root', 'propose', '--threshold', 'members=2')).code, 'threshold')
    assert.equal((await fleet.error('root', 'propose', ...added)).code, 'not-confirmed')
    // The founder alone may still decide; the new thresholds ask for more than the founder has.
    const alone = await fleet.json<{ published: boolean }>('root', 'propose', ...added, '--yes')
    assert.equal(alone.published, true)
    const raised = await fleet.json<{ published: boolean; root: number; heard: boolean }>(
      'root',
      'propose',
      ...two,
      '--yes',
    )
    assert.deepEqual({ ...raised, id: undefined }, { ...raised, id: undefined, published: false, root: 3, heard: true })
  })

  it('takes a root when the old and the new threshold have signed it', async () => {
    const wrong = await runThymesh(['approve', 'root-3', '--yes', '--json'], {
      cwd: fleet.project,
      env: { ...fleet.env, THYMESH_HOME: homes.ben, THYMESH_PASSPHRASE: 'not the one at all' },
    })
    assert.equal((JSON.parse(wrong.stdout) as ErrorJson).error.code, 'wrong-passphrase')
    await listed('ben', ({ root }) => root === 3)
    const approved = await json<{ published: boolean; root: number }>('ben', 'approve', 'root-3', '--yes')
    assert.deepEqual([approved.published, approved.root], [true, 3])
    await heard(3, 'ben')
    const { roles } = await fleet.json<{ roles: Record<string, { threshold: number }> }>('root', 'show')
    assert.equal(roles.targets?.threshold, 2)
  })

  it('fetches from the mesh what another operator has built, where it can build nothing itself', async () => {
    const { fleet: id } = (await projectFile()) as { fleet: string }
    const settings = join(homes.ben, id.slice(0, 16), 'controller.json')
    const before = await readFile(settings, 'utf8')
    const store = join(fleet.directory, 'store-of-ben')
    await writeFile(settings, JSON.stringify({ ...JSON.parse(before), store }))
    const env = { ...fleet.env, THYMESH_HOME: homes.ben, THYMESH_PASSPHRASE: passphrase }
    const nothing = { ...env, NIX_CONFIG: `${fleet.env.NIX_CONFIG}max-jobs = 0\n` }
    const compared = await runThymesh(['diff'], { cwd: fleet.project, env: nothing })
    assert.equal(compared.code, 0, compared.stdout + compared.stderr)
    assert.match(compared.stderr, /Fetching hello from the mesh/)
    const top = (await device.running()) ?? ''
    assert.equal(await readFile(join(store, top, 'name'), 'utf8'), 'hello')
  })

  it('proposes a release that lacks a signature, and no device runs it', async () => {
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2') })
    const proposed = await fleet.json<{ proposal: string; complete: boolean; release: number; heard: boolean }>(
      ...['deploy', '-m', 'version 2', '--no-wait'],
    )
    assert.equal(proposed.complete, false)
    assert.equal(proposed.heard, true)
    assert.match((await device.etc('hello')) ?? '', /version 1/)
    const again = await fleet.error('deploy', '--force', '--no-wait')
    assert.equal(again.code, 'already-signed')
    const proposal = await listed('cleo', ({ id }) => id === proposed.proposal)
    assert.deepEqual(
      proposal.changes.map(({ device }) => device),
      ['first'],
    )
    assert.deepEqual(
      proposal.signatures.map(({ part, signed, threshold }) => [part, signed.length, threshold]),
      [['targets', 1, 2]],
    )
  })

  it('asks before it signs, and shows what would change where', async () => {
    const { release } = await listed('cleo', isRelease)
    const env = { ...fleet.env, THYMESH_HOME: homes.cleo, THYMESH_PASSPHRASE: passphrase }
    const asked = await runThymesh(['approve', String(release)], { cwd: fleet.project, env })
    assert.equal(asked.code, 1)
    assert.match(asked.stderr, /config hello: .* → .*/)
    assert.match(asked.stderr, /\/nix\/store\/\S+\n\s+\/nix\/store\/\S+/)
    assert.match(asked.stderr, /^ {4}first$/m)
    assert.match(asked.stderr, /Signatures: targets 1 of 2/)
    assert.match((await device.etc('hello')) ?? '', /version 1/)
  })

  it('publishes with the last signature, though the proposer is away; the device runs it when the closure is there', async () => {
    const which = String((await listed('cleo', isRelease)).release)
    await json('cleo', 'approve', which, '--yes', '--timeout', '5').catch(() => {})
    await until('the founder to hear of the last signature', async () => {
      const { release } = await fleet.json<{ release: number }>('status', '--wait', '60')
      // The device may not have heard of it in those seconds.
      if (release !== Number(which)) await json('cleo', 'status', '--wait', '60')
      return release === Number(which)
    })
    const { devices } = await fleet.json<{ devices: { release: number }[] }>('deploy', '--timeout', '240')
    assert.equal(devices[0]?.release, Number(which))
    assert.match((await device.etc('hello')) ?? '', /version 2/)
  })

  it('lets who proposed withdraw, and others say no', async () => {
    await fleet.commit('Version 3', { 'configs/hello.json': hello('version 3') })
    const { proposal: id } = await fleet.json<{ proposal: string }>('deploy', '--no-wait')
    const no = ['reject', id.slice(0, 16), ...patient, '-m', 'not on a Friday']
    const said = await json<{ withdrawn: boolean }>('ben', ...no)
    assert.equal(said.withdrawn, false)
    const taken = await fleet.json<{ withdrawn: boolean }>('reject', id.slice(0, 16))
    assert.equal(taken.withdrawn, true)
    assert.equal((await error('cleo', 'approve', id.slice(0, 16), ...patient, '--yes')).code, 'withdrawn')
    const { proposal: next } = await fleet.json<{ proposal: string }>('deploy', '--no-wait')
    assert.notEqual(next, id)
  })

  it('logs who signed what and when, from the signed documents', async () => {
    interface LogJson {
      events: { what: string; version: number; signers: { operator: string | null }[]; message: string }[]
    }
    const linesOf = ({ events }: LogJson) =>
      events.map(({ what, version, signers }) => `${what} ${version} ${signers.map(each => each.operator).sort()}`)
    const own = await fleet.json<LogJson>('log')
    const founder = own.events[0]?.signers[0]?.operator ?? ''
    const lines = linesOf(own)
    for (const line of [
      `root 1 ${founder}`,
      `proposed 3 ${founder}`,
      `root 3 ${['ben', founder].sort()}`,
      `release 2 ${founder}`,
      `release 5 ${['cleo', founder].sort()}`,
      'approved 5 cleo',
      'rejected 6 ben',
    ]) {
      assert.ok(lines.includes(line), `expected ${line} in\n${lines.join('\n')}`)
    }
    assert.ok(own.events.some(({ message }) => message === 'not on a Friday'))
    assert.ok(linesOf(await json<LogJson>('cleo', 'log')).includes('approved 5 cleo'))
  })

  it('signs a root in a file, where there is no mesh, and renews and rotates', async () => {
    const file = join(fleet.directory, 'root.proposal')
    const proposal = await listed('ben', isRelease)
    await fleet.json('reject', proposal.id.slice(0, 16))
    await json('ben', 'key', 'new', '--rotate')
    const made = await json<{ complete: boolean }>('ben', 'root', 'propose', '--rotate', '--file', file, '--yes')
    assert.equal(made.complete, false)
    const signed = await json<{ published: boolean; complete: boolean }>(
      'cleo',
      'root',
      'sign',
      '--file',
      file,
      '--yes',
    )
    assert.deepEqual([signed.complete, signed.published], [true, true])
    await heard(4, 'cleo')
    assert.equal((await fleet.error('root', 'propose', '--yes')).code, 'nothing-changes')
    const fileText = join(fleet.directory, 'none')
    await mkdir(fleet.directory, { recursive: true })
    await writeFile(fileText, 'nothing')
    assert.equal((await fleet.error('root', 'sign', '--file', fileText, '--yes')).code, 'malformed')
  })

  it('renews a root: the same keys and thresholds under a later expiry, for everyone', async () => {
    interface RootJson {
      version: number
      expires: string
      roles: object
    }
    const before = await fleet.json<RootJson>('root', 'show')
    const next = before.version + 1
    const proposed = await fleet.json<{ published: boolean; root: number; complete: boolean }>(
      ...['root', 'propose', '--renew', '-m', 'the yearly renewal', '--yes'],
    )
    assert.deepEqual([proposed.root, proposed.complete, proposed.published], [next, false, false])
    // Ben has slept through the last root, and walks it first.
    const approval = ['approve', `root-${next}`, '--yes', ...patient]
    const approved = await json<{ published: boolean; root: number }>('ben', ...approval)
    assert.deepEqual([approved.root, approved.published], [next, true])
    // Another operator has it from the device, which has it from the one who published.
    await heard(next, 'ben', 'cleo')
    const after = await json<RootJson>('cleo', 'root', 'show')
    assert.ok(after.expires > before.expires, `${after.expires} is not later than ${before.expires}`)
    assert.deepEqual(after.roles, before.roles)
  })

  it('changes the keys of who let a device in, and the device stays a member', async () => {
    await fleet.json('key', 'new', '--rotate')
    const { root, renewed, cutOff } = await fleet.json<{ root: number; renewed: string[]; cutOff: string[] }>(
      ...['root', 'propose', '--rotate', '--yes'],
    )
    assert.deepEqual([renewed, cutOff], [['first'], []])
    // The root that names the new keys is published while the founder is away.
    const approval = ['approve', `root-${root}`, '--yes', ...patient]
    assert.equal((await json<{ published: boolean }>('ben', ...approval)).published, true)
    await heard(root, 'ben')
    const device = await until('the founder to reach the device', async () => {
      interface MembersJson {
        members: { name: string; state: string; connected: boolean }[]
      }
      const { members } = await fleet.json<MembersJson>('members', '--wait', '60')
      return members.find(({ name, connected }) => name === 'first' && connected)
    })
    assert.equal(device.state, 'member')
  })
})
