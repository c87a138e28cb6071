/** The witnessed log on disk: its heads and proofs over blocks and beyond what it drops, after restarts, and its bounds. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { logEntryCodec } from '../../protocol/audit/log-entry.ts'
import { grown, isConsistent, leafHash, noEntries, rootOfFrontier } from '../../protocol/audit/merkle.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testSigner } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { testState } from '../../test/helpers/state.ts'
import { extend, logOf, memoryDatabase } from '../../test/helpers/witnessed.ts'
import { entriesPerKind } from './limits.ts'
import { LogKeeper } from './log-keeper.ts'
import { WitnessedLog } from './witnessed-log.ts'

const words = (count: number) => Array.from({ length: count }, (_, at) => `entry ${at}`)

describe('a witnessed log', () => {
  it('goes on after a restart, with entries that lead to its head', async t => {
    const { database } = await testState(t)
    const first = await WitnessedLog.open(database)
    await extend(first, ...words(300))
    const log = await WitnessedLog.open(database)
    assert.deepEqual(log.head, first.head)
    await extend(log, 'one more')
    const { from, before, entries } = await log.entries({ from: 290, to: 1000 }, 100_000)
    assert.deepEqual([from, entries.length], [290, 11])
    let frontier = { size: from, hashes: before as readonly Uint8Array[] }
    for (const entry of entries) frontier = grown(frontier, leafHash(entry))
    assert.deepEqual({ size: frontier.size, root: rootOfFrontier(frontier.hashes) }, log.head)
  })

  it('drops its oldest entries and hashes in time, and proves what it can', async () => {
    const database = memoryDatabase()
    const bounds = { blockEntries: 8, blocksKept: 6, entriesKept: 20 }
    const { blockEntries, blocksKept, entriesKept } = bounds
    const log = await WitnessedLog.open(database, bounds)
    const size = blockEntries * (blocksKept + 2) + 5
    const heads = new Map(
      [blockEntries, blockEntries + 1, 3 * blockEntries + 7, size - 1].map(each => [each, log.head]),
    )
    let frontier = noEntries
    for (let at = 0; at < size; at++) {
      const entry = { v: 1, what: 'session-began', about: { name: `entry ${at}` } } as const
      await log.append(entry)
      frontier = grown(frontier, leafHash(logEntryCodec.encode(entry)))
      if (heads.has(at + 1)) heads.set(at + 1, log.head)
    }
    assert.deepEqual(log.head, { size, root: rootOfFrontier(frontier.hashes) })
    assert.ok(log.first > 0 && size - log.first < entriesKept + blockEntries)
    const kinds = new Map<string, number>()
    for (const key of database.values.keys()) {
      const kind = key.split('/')[0] ?? ''
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    assert.ok((kinds.get('entry') ?? 0) < entriesKept + blockEntries)
    assert.equal(kinds.get('leaves'), blocksKept)
    for (const [before, head] of heads) {
      // In the middle of a block whose hashes are gone.
      if (before === blockEntries + 1) await assert.rejects(log.proof(before, size), withCode('too-old'))
      else assert.ok(isConsistent(head, log.head, await log.proof(before, size)), `${before}`)
    }
    assert.equal((await log.entries({ from: 0, to: size }, 1000)).from, log.first)
    await assert.rejects(log.proof(1, size + 1), withCode('too-old'))
  })
})

describe('the keeper of a log', () => {
  const scene = async () => {
    const witnessed = await logOf()
    const clocks = { monotonic: 0, system: 0 }
    const keeper = new LogKeeper(
      { witnessed, fleet: 'f'.repeat(64), signer: testSigner('device'), clock: { now: undefined }, log: silentLogger },
      { report: () => {}, monotonic: () => clocks.monotonic, system: () => clocks.system },
    )
    const all = async () =>
      (await witnessed.entries({ from: 0, to: 10_000 }, 1_000_000)).entries.map(each => logEntryCodec.decode(each))
    return { witnessed, keeper, clocks, all }
  }

  it('writes a state down once, and again when it is another one', async () => {
    const { keeper, all } = await scene()
    for (const grants of ['ada-1', 'ada-1', '', 'ada-1']) await keeper.state('grants', { grants })
    assert.deepEqual(
      (await all()).map(({ about }) => about.grants),
      ['ada-1', '', 'ada-1'],
    )
  })

  it('counts what comes too often, in the next entry of its kind', async () => {
    const { keeper, all, clocks } = await scene()
    for (let at = 0; at < entriesPerKind + 50; at++) await keeper.audited('session-refused', { user: 'root' })
    await keeper.audited('session-began', { user: 'root' })
    assert.equal((await all()).length, entriesPerKind + 1)
    clocks.monotonic += 600_001
    await keeper.audited('session-refused', { user: 'root' })
    assert.equal((await all()).at(-1)?.about['more-before'], '50')
  })

  it('writes down jumps of the clock, both ways, and not that time has passed', async () => {
    const { keeper, clocks, all, witnessed } = await scene()
    for (const [monotonic, system] of [
      [0, 0],
      [3_600_000, 3_600_050],
      [3_660_000, 360_000_000],
      [3_720_000, 0],
    ] as const) {
      Object.assign(clocks, { monotonic, system })
      keeper.lookAtClock()
    }
    await witnessed.stop()
    assert.deepEqual(
      (await all()).map(({ about }) => about.seconds),
      ['356340', '-360060'],
    )
  })

  it('fits whatever it is told into an entry, without characters that steer a terminal', async () => {
    const { keeper, all } = await scene()
    const about = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map(name => [name, `\u001b[2J${'ü'.repeat(5000)}`]))
    await keeper.audited('session-refused', about)
    const [entry] = await all()
    assert.deepEqual(Object.keys(entry?.about ?? {}), Object.keys(about))
    assert.ok(!JSON.stringify(entry).includes('\u001b') && !JSON.stringify(entry).includes('\\u001b'))
  })
})
