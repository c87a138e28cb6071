/** Virtual machines without one that runs: their records, who may work on them, and makings that end half-way. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startOf } from '../../node/process/start-of.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import type { Talk } from '../tasks/talk.ts'
import { bootId } from './boot-id.ts'
import { listVms } from './list.ts'
import { whileLocked } from './lock.ts'
import { makeVm } from './make.ts'
import { addressesForMachines, addressesForQemu, freeAddress } from './network.ts'
import { type ContainerRecord, VmRecords } from './records.ts'
import { isOn } from './switch.ts'

const talk: Talk = {
  ...{ note: () => {}, detail: () => {}, step: () => {}, activities: () => {}, progress: () => {} },
  signal: new AbortController().signal,
}
const record = (name: string): ContainerRecord => ({
  ...{ v: 1, kind: 'container', name, config: 'hello', memoryMegabytes: 1024, diskMegabytes: 8192 },
  ...{ created: '2026-12-02T00:00:00Z', base: null, address: '10.213.0.2', peer: '12D3KooW' },
})
/** What the fleet learned, in order. */
function membership() {
  const said: string[] = []
  return {
    said,
    token: async () => ({ token: '', bootstrap: [] }),
    declare: async () => {
      said.push('declared')
      return ['devices/box.json']
    },
    forget: async () => void said.push('forgotten'),
  }
}

describe('virtual machines', () => {
  it('are whole, or not there: what fails is taken back, and the next command takes over what a killed one left', async t => {
    const records = new VmRecords('f', await testDirectory(t))
    const failing = membership()
    const failed = makeVm(records, 'box', failing, talk, async draft => {
      await writeFile(join(draft, 'disk.img'), 'half')
      throw new RangeError('no room')
    })
    await assert.rejects(failed, { message: 'no room' })
    assert.deepEqual([failing.said, readdirSync(records.directory)], [['forgotten'], []])

    await mkdir(records.draft('box'))
    await writeFile(join(records.draft('box'), 'disk.img'), 'half')
    assert.deepEqual(
      (await listVms(records)).map(({ name, state }) => [name, state]),
      [['box', 'unfinished']],
    )
    const made = membership()
    const { written } = await makeVm(records, 'box', made, talk, async draft => {
      assert.deepEqual(readdirSync(draft), [])
      return record('box')
    })
    assert.deepEqual([written, made.said], [['devices/box.json'], ['declared']])
    assert.deepEqual(readdirSync(records.directory), ['box'])
    assert.deepEqual(
      (await listVms(records)).map(({ name, state }) => [name, state]),
      [['box', 'stopped']],
    )

    const again = membership()
    await assert.rejects(
      makeVm(records, 'box', again, talk, async () => record('box')),
      { code: 'vm-taken' },
    )
    assert.deepEqual([again.said, existsSync(records.place('box'))], [[], true])
  })

  it('are made by one command at a time', async t => {
    const records = new VmRecords('f', await testDirectory(t))
    const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const first = makeVm(records, 'box', membership(), talk, async () => {
      begun.resolve()
      await goOn.promise
      return record('box')
    })
    await begun.promise
    await assert.rejects(
      makeVm(records, 'box', membership(), talk, async () => record('box')),
      { code: 'vm-busy' },
    )
    await makeVm(records, 'other', membership(), talk, async () => record('other'))
    goOn.resolve()
    await first
    assert.deepEqual((await records.names()).whole, ['box', 'other'])
  })

  it('are free again when the command that worked on them was killed', async t => {
    const file = join(await testDirectory(t), 'lock')
    const other = spawn('sleep', ['1000'])
    t.after(() => other.kill('SIGKILL'))
    await once(other, 'spawn')
    await writeFile(file, `${other.pid} ${startOf(other.pid ?? 0)} ${bootId()}`)
    await assert.rejects(
      whileLocked(file, 'box', async () => {}),
      { code: 'vm-busy' },
    )
    other.kill('SIGKILL')
    await once(other, 'exit')
    assert.equal(await whileLocked(file, 'box', async () => 'done'), 'done')
    // An ID that is another process's today, or of a boot before.
    await writeFile(file, `${process.pid} 1 ${bootId()}`)
    assert.equal(await whileLocked(file, 'box', async () => 'done'), 'done')
    assert.equal(existsSync(file), false)
  })

  it('are off after a reboot of the computer, whatever has their process ID then', () => {
    const run = { pid: process.pid, start: startOf(process.pid) ?? '', boot: bootId(), cgroups: [] }
    assert.equal(isOn(run), true)
    assert.equal(isOn({ ...run, boot: 'of before' }), false)
    assert.equal(isOn({ ...run, start: '1' }), false)
    assert.equal(isOn(undefined), false)
  })

  it('are listed also where a record is damaged, and named where there is none', async t => {
    const records = new VmRecords('f', await testDirectory(t))
    await mkdir(records.place('box'), { recursive: true })
    await writeFile(join(records.place('box'), 'machine.json'), '{"v":2}')
    assert.deepEqual(
      (await listVms(records)).map(({ state }) => state),
      ['damaged'],
    )
    await assert.rejects(records.read('box'), { code: 'vm-broken' })
    await writeFile(join(records.place('box'), 'machine.json'), ' '.repeat(100_000))
    await assert.rejects(records.read('box'), { code: 'vm-broken', message: /at most 16384 bytes/ })
    await assert.rejects(records.read('../box'), { code: 'vm-unknown' })
    assert.deepEqual(await new VmRecords('f', '/nowhere').names(), { whole: [], drafts: [] })
  })
})

it('a machine has an address of its own, and dials the controller where that listens for others', () => {
  const address = freeAddress('f', 'box', [])
  assert.match(address, /^10\.213\.\d+\.\d+$/)
  assert.equal(freeAddress('f', 'box', []), address)
  const others = [freeAddress('f', 'box', [address]), freeAddress('f', 'other', []), freeAddress('g', 'box', [])]
  assert.equal(new Set([address, ...others]).size, 4)
  const listen = [
    '/ip4/0.0.0.0/tcp/4470',
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/192.0.2.1/tcp/2',
    '/ip4/0.0.0.0/tcp/0',
    '/ip6/::/tcp/4470',
  ]
  assert.deepEqual(addressesForMachines(listen), ['/ip4/10.213.0.1/tcp/4470', '/ip4/192.0.2.1/tcp/2'])
  assert.deepEqual(addressesForQemu(listen), ['/ip4/10.0.2.2/tcp/4470', '/ip4/10.0.2.2/tcp/1', '/ip4/192.0.2.1/tcp/2'])
})
