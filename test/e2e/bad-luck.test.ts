/** Tests of bad luck: full disks, damaged files, lost state. A device reports it, runs on and recovers. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { RealStore } from '../store/real-stores.ts'
import type { Device, LogLine } from './helpers/device.ts'
import { Fleet, type RolloutJson, type Row } from './helpers/fleet.ts'
import { until } from './helpers/processes.ts'
import { blobModule, hello } from './helpers/project.ts'
import { fillDisk, mountSkip, mountTmpfs } from './helpers/small-disk.ts'

const failed = (rows: Row[], name: string) => rows.find(({ device, state }) => device === name && state === 'failed')

/** Deploys, or waits for what is deployed already, until a device has reported that it failed. */
async function deployUntilFailed(fleet: Fleet, name: string): Promise<Row> {
  return await until(`${name} to report a failure`, async () => {
    const { code, stdout } = await fleet.run('deploy', '--timeout', '15', '--json')
    const rollout = JSON.parse(stdout) as RolloutJson
    assert.ok(rollout.devices, stdout)
    const row = failed(rollout.devices, name)
    if (row === undefined) return undefined
    assert.deepEqual([code, rollout.complete, rollout.failed], [1, false, [name]])
    return row
  })
}

describe('a full disk', { skip: nixSkip() || mountSkip() }, () => {
  /** Room for the system, Nix's database and the large file once; not for twice that. */
  const diskMegabytes = 256
  const blobMegabytes = 100
  let fleet: Fleet
  let first: Device
  let junk = ''
  let old: string | undefined

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    first = await fleet.device('first')
    await mkdir(first.root, { recursive: true })
    await mountTmpfs(fleet, first.root, diskMegabytes)
    junk = join(first.root, 'junk')
    first.start(await fleet.token())
    await fleet.json('deploy', '--timeout', '240')
    old = await first.running()
    assert.ok(old)
    await fleet.commit('A large file', {
      'modules/blob.nix': blobModule,
      'configs/hello.json': hello('large', { blob: { megabytes: blobMegabytes } }),
    })
  })
  after(() => fleet.remove())

  it('is seen before anything is fetched, and reported', async () => {
    await fillDisk(first.root, junk, 80)
    const row = await deployUntilFailed(fleet, 'first')
    assert.equal(row.error?.code, 'disk-full')
    assert.match(row.error?.message ?? '', /expected \d+ MiB free for the update, got \d+ MiB/)
    assert.equal(row.running, old)
    assert.equal(await first.running(), old)
    assert.deepEqual(await first.inStore('-blob'), [])
    assert.equal(first.daemon.running, true)
  })

  it('in the middle of a fetch leaves the old system, and the daemon goes on', async () => {
    await rm(junk)
    const logged = (await first.logLines()).length
    let child: ChildProcess | undefined
    const onStart = (started: ChildProcess) => {
      child = started
    }
    const deploying = fleet.runWith({ onStart }, 'deploy')
    const size = async () => {
      const [blob] = await first.inStore('-blob')
      return blob === undefined ? 0 : (await stat(join(first.root, 'nix/store', blob))).size
    }
    await until('the large file to be on its way', async () => (await size()) > 0, { everyMs: 2 })
    first.daemon.signal('SIGSTOP')
    await fillDisk(first.root, junk, 0)
    assert.ok((await size()) < blobMegabytes << 20, 'expected a part of the file')
    first.daemon.signal('SIGCONT')
    const isFailure = ({ msg, reason = '' }: LogLine) => msg === 'the update failed' && /No space left/.test(reason)
    await first.logged('that its disk is full', isFailure, logged)
    child?.kill('SIGTERM')
    await deploying
    assert.equal(await first.running(), old)
    assert.equal(await first.etc('hello'), 'Hello from Thymesh\n')
    assert.equal(first.daemon.running, true)
  })

  it('that is freed lets the update through by itself', async () => {
    const row = await deployUntilFailed(fleet, 'first')
    assert.equal(row.error?.code, 'disk-full')
    await rm(junk)
    const { complete } = await fleet.json('deploy', '--timeout', '240')
    assert.equal(complete, true)
    assert.equal(await first.etc('hello'), 'large\n')
    assert.notEqual(await first.running(), old)
    assert.equal(await first.stop(), 0)
  })
})

describe('a source whose files have changed', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let first: Device
  let second: Device
  let token: string
  const original = 'a message from the operator\n'
  const forged = 'a message from the attacker\n'

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found('second')
    await fleet.commit('A message', { 'configs/hello.json': hello(original.trim()) })
    first = await fleet.device('first')
    second = await fleet.device('second')
    token = await fleet.token('--bootstrap', first.address)
  })
  after(() => fleet.remove())

  /** Writes into a store, as rot or an attacker would: Nix's database still says what was there. */
  async function overwrite(root: string, topLevel: string, text: string): Promise<void> {
    const file = join(root, topLevel, 'etc/hello')
    await chmod(file, 0o644)
    await writeFile(file, text)
    await chmod(file, 0o444)
  }

  async function assertNothingOf(device: Device, topLevel: string): Promise<void> {
    assert.equal(await device.running(), undefined)
    assert.equal(await new RealStore(device.root).isValid(topLevel), false)
    assert.equal(device.daemon.running, true)
  }

  let top = ''

  it('is named by the deploy of the controller whose store it is, before any device asks', async () => {
    assert.equal((await fleet.run('deploy', '--timeout', '0')).code, 2)
    const built = await fleet.json<{ releases: { configs: Record<string, { topLevel: string }> }[] }>('releases')
    top = built.releases[0]?.configs.hello?.topLevel ?? ''
    await overwrite(fleet.store, top, forged)
    const { code, stdout } = await fleet.run('deploy', '--timeout', '0', '--json')
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; hint: string } }
    assert.deepEqual([code, error.code], [1, 'nar-mismatch'])
    assert.ok(error.message.includes(top), error.message)
    assert.match(error.hint, /nix-store --repair-path/)
    const { damaged } = await fleet.json<{ damaged: string[] }>('status')
    assert.deepEqual(damaged, [top])
  })

  it('is used again once it is mended', async () => {
    await overwrite(fleet.store, top, original)
    first.start(token)
    await fleet.json('deploy', '--wait-for', 'first', '--timeout', '240')
    assert.equal(await first.running(), top)
    assert.equal(await first.etc('hello'), original)
  })

  it('is no source when it is a neighbour, which the other device reports', async () => {
    await overwrite(first.root, top, forged)
    second.start(token)
    // Before it, its only neighbour may not have been in reach for the documents.
    const noSource = /no reachable member has (?:all of )?the release/
    await second.logged('the failure', ({ msg, reason }) => msg === 'the update failed' && noSource.test(reason ?? ''))
    await assertNothingOf(second, top)
    const row = await until('the report of the second device', async () => {
      // Frozen, so that it doesn't find a good source in the very controller that asks for its report.
      second.daemon.signal('SIGSTOP')
      const { devices } = await fleet.json<{ devices: Row[] }>('status')
      const row = failed(devices, 'second')
      if (row?.error?.code === 'no-source') return row
      // It was in the middle of another try.
      const lines = (await second.logLines()).length
      second.daemon.signal('SIGCONT')
      await second.logged('the failure', ({ msg }) => msg === 'the update failed', lines)
      return undefined
    })
    assert.equal(row.error?.code, 'no-source')
    assert.equal(row.running, null)
  })

  it('does no harm once there is a good one', async () => {
    second.daemon.signal('SIGCONT')
    await fleet.json('deploy', '--wait-for', 'second', '--timeout', '240')
    assert.equal(await second.running(), top)
    assert.equal(await second.etc('hello'), original)
  })

  it('and a controller that lost its state is a member again by its keys', async () => {
    const id = (JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8')) as { fleet: string }).fleet
    await rm(join(fleet.home, id.slice(0, 16), 'state'), { recursive: true })
    const status = await until('the devices to tell the controller what they know', async () => {
      const { release, devices } = await fleet.json<{ release: number | null; devices: Row[] }>(
        'status',
        '--wait',
        '20',
      )
      return (
        release !== null &&
        devices.length > 0 &&
        devices.every(({ state }) => state === 'running') && { release, devices }
      )
    })
    assert.equal(status.release, 2)
    assert.deepEqual(
      status.devices.map(({ device, running }) => [device, running]),
      [
        ['first', top],
        ['second', top],
      ],
    )
  })
})
