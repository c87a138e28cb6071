/** Tests of a device's life with a mesh and a machine in memory. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withoutShards } from '../../protocol/release/join-shards.ts'
import { ShardError, type ShardInterest } from '../../protocol/release/shards.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { ownExtensions } from '../../protocol/report/understands.ts'
import { fleet, releaseOf, scene, topOf } from '../../test/helpers/device-in-memory.ts'
import { testSeed } from '../../test/helpers/fleet.ts'
import { joinSplit } from '../../test/helpers/sharded.ts'
import { DocumentError } from '../mesh/exchange/documents.ts'
import { identityOf } from '../state/identity.ts'

describe('a device', () => {
  it('waits until a release names it', async t => {
    const { device, release, reported } = await scene(t)
    device.start()
    release({ ...fleet.published.release })
    const report = await reported(({ state }) => state === 'waiting')
    assert.equal(report.counter, 2)
    assert.equal(report.peer, identityOf(testSeed('device')).peerId)
  })

  it('brings what a release wants to run, and says so', async t => {
    const { device, release, reported, own, machine, reports } = await scene(t)
    device.start()
    release(releaseOf(2, 'one'))
    const report = await reported(({ state }) => state === 'running')
    assert.equal(report.release, 2)
    assert.equal(report.running, topOf('one'))
    assert.equal(report.update?.release, 2)
    assert.partialDeepStrictEqual(await own.running(), { release: 2, config: 'kiosk', topLevel: topOf('one') })
    assert.deepEqual(machine.activations, [topOf('one')])
    const counters = reports.map(({ counter }) => counter)
    assert.deepEqual(
      counters,
      // Each has one of version 1 in it, which has the number before.
      counters.map((_, at) => 2 * at + 2),
    )
  })

  it('says that its part of a sharded release is missing, and goes on as soon as that is there', async t => {
    const { device, release, reported, machine } = await scene(t)
    device.start()
    const whole = releaseOf(2, 'one')
    const split = splitRelease(whole)
    const part = (interest: ShardInterest) => joinSplit(split, interest)
    release(withoutShards(split.plain))
    assert.match(await missing(), /the list of its parts/)
    release(part({ all: false, devices: [] }))
    const { error, running } = await reported(
      ({ error }) => error?.message.includes('its part for this device') === true,
    )
    assert.deepEqual([error?.code, running], ['no-shard', undefined])
    release(part({ all: false, devices: ['kiosk-1'] }))
    await reported(({ state }) => state === 'running')
    assert.deepEqual(machine.activations, [topOf('one')])
    const problem = new ShardError('duplicate-device', 'expected kiosk-1 in one shard')
    release(withoutShards({ ...split.plain, version: 3 }, problem))
    await reported(({ wanted, error }) => wanted === 3 && error?.code === 'duplicate-device')
    assert.deepEqual(machine.activations, [topOf('one')])

    async function missing() {
      const { error } = await reported(({ state }) => state === 'failed')
      assert.equal(error?.code, 'no-shard')
      return error?.message ?? ''
    }
  })

  it('takes another name from its certificate while it runs, and follows the release under it', async t => {
    const { device, certified, release, reported, machine } = await scene(t)
    device.start()
    const named = releaseOf(2, 'one')
    const entry = named.devices['kiosk-1']
    assert.ok(entry)
    release({ ...named, devices: { 'till-1': entry } })
    await reported(({ state }) => state === 'waiting')
    assert.deepEqual(machine.activations, [])
    certified.certificate = { name: 'till-1' }
    certified.emit('renewed')
    await reported(({ state }) => state === 'running')
    assert.deepEqual(machine.activations, [topOf('one')])
  })

  it('says what of the generation is not in force', async t => {
    const { device, machine, release, reported } = await scene(t)
    device.start()
    machine.late = ['/etc/crypttab: it is read before a generation is there']
    release(releaseOf(2, 'one'))
    const { error } = await reported(({ state }) => state === 'running')
    assert.deepEqual([error?.code, error?.message], ['not-in-force', `not in force: ${machine.late[0]}`])
  })

  it('keeps the secrets of an update that a full disk stopped in its commit until that has ended', async t => {
    const settled: (string | undefined)[] = []
    const nothing = async () => {}
    const secrets = {
      ...{
        newIn: async () => [],
        follow: async () => undefined,
        take: nothing,
        installNext: nothing,
        restore: nothing,
      },
      settle: async () => void settled.push(machine.journal?.state),
    }
    const { device, machine, release, reported } = await scene(t, { secrets })
    const { activate } = machine
    machine.activate = async wanted => {
      const done = await activate(wanted)
      machine.journal = { ...done, state: 'committing' }
      machine.activate = activate
      throw new Error('ENOSPC: no space left on device')
    }
    machine.resume = async () => {
      if (machine.journal === undefined) return undefined
      machine.runs = undefined
      machine.journal = {
        ...machine.journal,
        state: 'rolled-back',
        code: 'deadline',
        message: 'the deadline came first',
      }
      return machine.journal
    }
    device.start()
    release(releaseOf(2, 'one'))
    await reported(({ state }) => state === 'rolled-back')
    assert.deepEqual([...new Set(settled)], ['rolled-back'])
  })

  it('installs nothing while two documents of one version are signed', async t => {
    const { device, machine, release, reported, meshStatus } = await scene(t)
    meshStatus.held = true
    device.start()
    release(releaseOf(2, 'one'))
    const report = await reported(({ state }) => state === 'failed')
    assert.equal(report.error?.code, 'equivocation')
    assert.deepEqual(machine.activations, [])
    meshStatus.held = false
    meshStatus.emit('changed')
    await reported(({ state }) => state === 'running')
    assert.equal(machine.activations.length, 1)
  })

  it('does not act on a release with a critical extension that it does not know, and says so once', async t => {
    const { device, machine, release, reported, reports } = await scene(t)
    device.start()
    const values = { quota: { day: 1 }, note: 'x' }
    release({ ...releaseOf(2, 'one'), extensions: { values, critical: ['quota'] } })
    const report = await reported(({ state }) => state === 'failed')
    assert.equal(report.error?.code, 'not-understood')
    assert.match(report.error?.message ?? '', /quota/)
    assert.deepEqual(report.extensions, ownExtensions)
    const looked = Promise.withResolvers<void>()
    const { running } = machine
    machine.running = () => {
      looked.resolve()
      return running()
    }
    release({ ...releaseOf(2, 'one'), extensions: { values, critical: ['quota'] } })
    await looked.promise
    assert.deepEqual(machine.activations, [])
    // One release after the other: that one was judged before this one is.
    release({ ...releaseOf(3, 'one'), extensions: { values, critical: [] } })
    await reported(({ state }) => state === 'running')
    assert.equal(reports.filter(({ state }) => state === 'failed').length, 1)
    assert.equal(machine.activations.length, 1)
  })

  it('does nothing for a release that wants what runs', async t => {
    const { device, release, reported, machine } = await scene(t)
    machine.runs = topOf('one')
    device.start()
    release(releaseOf(2, 'one'))
    await reported(report => report.state === 'running' && report.release === 2)
    release(releaseOf(3, 'one'))
    await reported(report => report.state === 'running' && report.release === 3)
    assert.deepEqual(machine.activations, [])
  })

  it('tries what failed on it again with a newer release only, also after a restart', async t => {
    const { device, release, reported, machine, restart } = await scene(t)
    machine.fails = 'no'
    device.start()
    release(releaseOf(2, 'one'))
    const failed = await reported(({ state }) => state === 'rolled-back')
    assert.deepEqual(failed.error, { code: 'switch-failed', message: 'no' })
    assert.equal(failed.attempts, 1)
    assert.equal(failed.wanted, 2)
    await device.stop()
    const again = restart()
    t.after(() => again.stop())
    again.start()
    await reported(({ state, counter }) => state === 'rolled-back' && counter > failed.counter)
    assert.equal(machine.activations.length, 1)
    machine.fails = undefined
    release(releaseOf(3, 'one'))
    await reported(({ state }) => state === 'running')
  })

  it('tries again by itself what may work later', async t => {
    const { device, release, reported, closures } = await scene(t)
    const { get } = closures
    closures.get = () => Promise.reject(new Error('nobody is there'))
    device.start()
    release(releaseOf(2, 'one'))
    const failed = await reported(({ state }) => state === 'failed')
    assert.equal(failed.error?.message, 'nobody is there')
    closures.get = async (config, signal) => {
      // The last error stays visible while the update is tried again.
      await reported(({ state, error }) => state === 'fetching' && error?.message === 'nobody is there')
      return await get(config, signal)
    }
    const done = await reported(({ state }) => state === 'running')
    assert.equal(done.release, 2)
    assert.equal(done.error, undefined)
  })

  it('begins no update that would find a program missing, and goes on once it is installed', async t => {
    const { device, release, reported, machine } = await scene(t)
    machine.lacks = 'this machine lacks podman (for the module containers): apt install podman'
    device.start()
    release(releaseOf(2, 'one'))
    const { error } = await reported(({ state }) => state === 'failed')
    assert.deepEqual([error?.code, error?.message], ['missing-program', machine.lacks])
    assert.deepEqual(machine.activations, [])
    machine.lacks = undefined
    // News of any kind ends the pause before the next try.
    release(releaseOf(2, 'one'))
    await reported(({ state, error: after }) => state === 'running' && after === undefined)
  })

  it('does not call it a failure yet when no peer has the documents at the first attempt', async t => {
    const { device, release, reported, reports, closures } = await scene(t)
    let attempts = 0
    closures.get = async () => {
      attempts++
      throw new DocumentError('no-peer', 'nobody has it')
    }
    device.start()
    release(releaseOf(2, 'one'))
    await reported(({ state }) => state === 'failed')
    assert.equal(attempts, 2)
    assert.equal(reports.filter(({ state }) => state === 'failed').length, 1)
  })

  it('leaves an update for a newer release that wants something else', async t => {
    const { device, release, reported, closures, machine } = await scene(t)
    const { get } = closures
    const began = Promise.withResolvers<void>()
    closures.get = (_config, signal) => {
      began.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    device.start()
    release(releaseOf(2, 'one'))
    await began.promise
    closures.get = get
    release(releaseOf(3, 'two'))
    await reported(({ state, release: which }) => state === 'running' && which === 3)
    assert.deepEqual(machine.activations, [topOf('two')])
  })

  it('does not begin again for a newer release that wants the same', async t => {
    const { device, release, reported, closures, machine } = await scene(t)
    const { get } = closures
    const began = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    let times = 0
    closures.get = async (config, signal) => {
      times++
      began.resolve()
      await go.promise
      signal.throwIfAborted()
      return get(config, signal)
    }
    device.start()
    release(releaseOf(2, 'one'))
    await began.promise
    release(releaseOf(3, 'one'))
    go.resolve()
    await reported(({ state, release: which }) => state === 'running' && which === 3)
    assert.equal(times, 1)
    assert.deepEqual(machine.activations, [topOf('one')])
  })

  it('reports a failure whatever its message is made of', async t => {
    const { device, release, reported, machine } = await scene(t)
    machine.fails = '└─'.repeat(2000)
    device.start()
    release(releaseOf(2, 'one'))
    const { error } = await reported(({ state }) => state === 'rolled-back')
    assert.match(error?.message ?? '', /^(└─)+└?$/)
  })

  it('takes an update up again that could not go on, also one that runs but was not committed', async t => {
    const { device, release, reported, machine } = await scene(t)
    const { activate } = machine
    machine.activate = async wanted => {
      const end = await activate(wanted)
      machine.journal = { ...end, state: 'testing' }
      throw new Error('no space left on device')
    }
    machine.resume = async () => {
      if (machine.journal !== undefined) machine.journal = { ...machine.journal, state: 'committed' }
      return machine.journal
    }
    device.start()
    release(releaseOf(2, 'one'))
    assert.equal((await reported(({ state }) => state === 'running')).release, 2)
    assert.deepEqual([machine.activations.length, machine.journal?.state], [1, 'committed'])
  })

  it('goes on when the machine cannot be asked for a moment', async t => {
    const { device, release, reported, machine } = await scene(t)
    const { running } = machine
    machine.running = () => Promise.reject(new Error('too many open files'))
    device.start()
    release(releaseOf(2, 'one'))
    for (let each = 0; each < 10; each++) await new Promise(setImmediate)
    machine.running = running
    assert.equal((await reported(({ state }) => state === 'running')).release, 2)
  })
})
