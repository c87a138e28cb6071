/** The main job with real processes: deploy, change, roll back, and devices that update without a controller. */

import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { Fleet, type RolloutJson, type Row } from './helpers/fleet.ts'
import { until } from './helpers/processes.ts'
import { blobModule, hello } from './helpers/project.ts'

/** Large enough to be caught in the middle of its way. */
const blobMegabytes = 200
/** So slow that a fetch of 40 MB is still at it after some commands, on a busy machine too. */
const slowBytesPerSecond = 250_000

describe('a fleet, from nothing to a rollback and on without a controller', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let first: Device
  let second: Device
  let third: Device
  let token: string
  /** The top levels of the versions, in their order. */
  const tops: string[] = []

  before(async () => {
    fleet = await Fleet.prepare()
  })
  after(() => fleet.remove())

  /** Deploys to the first two, and says what both now run by their own disks. */
  async function bring(...args: string[]): Promise<{ rollout: RolloutJson; top: string }> {
    const waitFor = ['--wait-for', 'first', '--wait-for', 'second', '--timeout', '240']
    const rollout = await fleet.json(...args, ...waitFor)
    const [one, two] = [await first.running(), await second.running()]
    assert.ok(one)
    assert.equal(one, two)
    const rows = rollout.devices.filter(({ device }) => device !== 'third')
    assert.deepEqual(
      rows.map(({ device, state, release, running }) => ({ device, state, release, running })),
      ['first', 'second'].map(device => ({ device, state: 'running', release: rollout.release, running: one })),
    )
    return { rollout, top: one }
  }

  it('is founded, and devices wait for their first release', async () => {
    await fleet.found('second', 'third')
    await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
    first = await fleet.device('first')
    second = await fleet.device('second')
    third = await fleet.device('third')
    // One site: what a neighbour has is not asked of the operator, who is at none.
    token = await fleet.token('--site', 'north', '--bootstrap', first.address, '--bootstrap', second.address)
    first.start(token)
    second.start(token)
    assert.equal(await first.running(), undefined)
  })

  it('brings version 1 to two devices', async () => {
    const { rollout, top } = await bring('deploy', '-m', 'version 1')
    tops.push(top)
    assert.equal(await first.etc('hello'), 'version 1\n')
    assert.equal(await second.etc('hello'), 'version 1\n')
    assert.equal(rollout.release, 2)
    for (const { device, update } of rollout.devices.filter(({ device }) => device !== 'third')) {
      assert.ok(update && update.needed > 0, device)
      assert.equal(update.fromControllers + update.fromNeighbours, update.needed, device)
    }
    assert.equal(rollout.devices.find(({ device }) => device === 'third')?.state, 'unseen')
  })

  it('brings version 2 when a setting has changed', async () => {
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2') })
    const { top } = await bring('deploy', '-m', 'version 2')
    tops.push(top)
    assert.notEqual(top, tops[0])
    assert.equal(await first.etc('hello'), 'version 2\n')
    assert.equal(await second.etc('hello'), 'version 2\n')
  })

  it('rolls back to the very system of version 1, which is still there', async () => {
    const { rollout, top } = await bring('rollback')
    assert.equal(top, tops[0])
    assert.equal(rollout.restores, 2)
    assert.equal(await second.etc('hello'), 'version 1\n')
    // Nothing had to be sent.
    assert.deepEqual(
      rollout.devices.flatMap(({ update }) => (update ? [update.needed] : [])),
      [0, 0],
    )
    const { releases } = await fleet.json<{ releases: { version: number; restores: number | null }[] }>('releases')
    assert.deepEqual(
      releases.map(({ version, restores }) => [version, restores]),
      [
        [4, 2],
        [3, null],
        [2, null],
        [1, null],
      ],
    )
  })

  it('lets a third device join and update from its neighbours alone', async () => {
    third.start(token)
    await third.runs(tops[0] ?? '')
    assert.equal(await third.etc('hello'), 'version 1\n')
    // Only now a controller comes back, and asks.
    const { update } = await until('the report of the third device', async () => {
      const { devices } = await fleet.json<{ devices: Row[] }>('status')
      return devices.find(({ device, state }) => device === 'third' && state === 'running')
    })
    assert.ok(update)
    assert.equal(update.fromControllers, 0)
    assert.equal(update.fromNeighbours, update.needed)
    assert.ok(update.needed > 0)
  })

  it('takes over a release that its controller left behind with --no-wait', async () => {
    assert.equal(await second.stop(), 0, 'a daemon ends with exit code 0 on SIGTERM')
    await fleet.commit('Version 3', { 'configs/hello.json': hello('version 3') })
    const { holders, complete } = await fleet.json('deploy', '--no-wait')
    assert.equal(complete, false)
    assert.ok(holders.length > 0)
    assert.equal(await second.running(), tops[0])

    second.start()
    await until('the second device to run version 3', async () => (await second.running()) !== tops[0], {
      explain: () => fleet.logs(),
    })
    assert.equal(await second.etc('hello'), 'version 3\n')
  })

  it('goes on after kill -9 in the middle of a fetch', async () => {
    assert.equal(await third.stop(), 0)
    assert.equal(await second.stop(), 0)
    const old = await second.running()
    await fleet.commit('A large file', {
      'modules/blob.nix': blobModule,
      'configs/hello.json': hello('version 4', { blob: { megabytes: blobMegabytes } }),
    })
    await fleet.json('deploy', '--wait-for', 'first', '--timeout', '240')
    const wanted = await first.running()
    assert.ok(wanted)

    second.start()
    const size = async () => {
      const [blob] = await second.inStore('-blob')
      return blob === undefined ? 0 : (await stat(join(second.root, 'nix/store', blob))).size
    }
    await until('the large file to be on its way', async () => (await size()) > 0, {
      everyMs: 2,
      explain: () => fleet.logs(),
    })
    first.daemon.signal('SIGSTOP')
    assert.equal(await second.daemon.end('SIGKILL'), 'SIGKILL')
    const part = await size()
    assert.ok(part > 0 && part < blobMegabytes << 20, `expected a part of the file, got ${part} bytes`)
    assert.equal(await second.running(), old)
    first.daemon.signal('SIGCONT')

    second.start()
    await second.runs(wanted)
    assert.equal(await size(), blobMegabytes << 20)
    assert.equal(await second.etc('hello'), 'version 4\n')
  })

  it('says how far a slow fetch is and how long it takes: status, device and rollout', async () => {
    const settings = join(fleet.directory, 'slow.json')
    await writeFile(settings, JSON.stringify({ upload: { bytesPerSecond: slowBytesPerSecond }, cache: false }))
    assert.equal(await first.stop(), 0)
    assert.equal(await second.stop(), 0)
    first.start(undefined, '--settings', settings)
    await fleet.commit('A slow file', {
      'configs/hello.json': hello('version 5', { blob: { megabytes: 40, noise: true } }),
    })
    await fleet.json('deploy', '--wait-for', 'first', '--timeout', '240')
    second.start()
    const { update } = await until('the time that is left', async () => {
      const { devices } = await fleet.json<{ devices: Row[] }>('status')
      return devices.find(({ device, update }) => device === 'second' && update?.secondsLeft !== undefined)
    })
    assert.ok(update?.secondsLeft !== undefined && update.secondsLeft > 0)
    // All parts of one answer fit together.
    const left = update.needed - update.fromControllers - update.fromNeighbours
    const expected = left / update.bytesPerSecond
    assert.ok(Math.abs(update.secondsLeft - expected) <= 1 + expected * 0.05, JSON.stringify(update))
    const words = /fetching \d+%, [\d.]+ [kM]B\/s, \d+ (s|min) left/
    for (const command of [['status'], ['device', 'second'], ['rollout']]) {
      const { stdout } = await fleet.run(...command)
      assert.match(stdout, words, command.join(' '))
    }
    const { waves } = await fleet.json<{ waves: { devices: Row[] }[] }>('rollout')
    const row = waves[0]?.devices.find(({ device }) => device === 'second')
    assert.ok((row?.update?.secondsLeft ?? 0) > 0)
    await second.logged('its time left', ({ msg, secondsLeft }) => msg === 'fetching' && (secondsLeft ?? 0) > 0)
  })

  it('refuses a second daemon on the same state', async () => {
    const { code, stderr } = await second.refuse(undefined)
    assert.equal(code, 1)
    assert.match(stderr, /^error: the state in .*\/second\/state is in use by another process$/m)
    assert.match(stderr, /End the other `thymesh`/)
    assert.equal(second.daemon.running, true)
  })

  it('ends in order on SIGTERM', async () => {
    assert.equal(await first.stop(), 0)
    assert.equal(await second.stop(), 0)
  })
})
