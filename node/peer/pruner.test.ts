/** Tests of pruning: what is bounded on a peer's disk, and what must never go. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Level } from 'level'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { sha256, sha256Hex } from '../../protocol/encoding/hash.ts'
import { releaseCodec } from '../../protocol/release/release.ts'
import { withShifts } from '../../protocol/release/shifts.ts'
import { testClosure, testConfig, testFleet, testNow, testStorePath } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { testState } from '../../test/helpers/state.ts'
import { until } from '../../test/helpers/until.ts'
import { FleetState } from '../state/fleet-state.ts'
import { keptReleases } from '../state/limits.ts'
import { ChunkIndex } from '../swarm/chunks/chunk-index.ts'
import { Closures } from '../swarm/chunks/closures.ts'
import { RecipeBook } from '../swarm/recipe/recipe-book.ts'
import { pruneAfterUpdates, pruneIntervalMs } from './limits.ts'
import { Pruner, type PrunerComponents } from './pruner.ts'

const many = keptReleases + 8

/** The top level of a release's only config, and the words of its documents: descriptor, recipes, a secret. */
const wordOf = (release: number) => `system-${release}`
const suffixes = ['-library', '-app', '']

/** A peer that has followed releases 2 to `last`, each with a closure of its own. */
async function scene(t: TestContext, last: number, more: Partial<PrunerComponents> = {}) {
  const fleet = testFleet()
  const { database, own, clock } = await testState(t, { now: testNow })
  const state = await FleetState.load(fleet.fleet, database, clock)
  const log = silentLogger
  const documents = { fetch: () => Promise.reject(new Error('nobody is there')) }
  const closures = new Closures({ state, documents, log })
  await closures.load()
  const recipes = new RecipeBook(database.level as Level, { document: hash => state.document(hash), log })
  const index = new ChunkIndex(database.level as Level)
  const store = { validPaths: async () => new Set<string>() }
  const directory = { member: () => undefined }
  const proposals = { all: [] }
  const history = database.table('history')
  const parts = { state, own, closures, recipes, index, store, directory, proposals, history, log }
  const make = () => new Pruner({ ...parts, ...more })
  const follow = async (release: number) => {
    const word = wordOf(release)
    const closure = testClosure(word)
    for (const bytes of [closureCodec.encode(closure), ...suffixes.map(end => Buffer.from(`${word}${end}.recipe`))]) {
      await state.keepDocument(bytes)
    }
    const { trusted } = fleet.release({ configs: { kiosk: testConfig(closure) }, devices: { a: { config: 'kiosk' } } })
    await state.accept(trusted, async ({ hash }) => fleet.document(hash) ?? assert.fail())
  }
  await state.accept(fleet.published.trusted, async ({ hash }) => fleet.document(hash) ?? assert.fail())
  for (let release = 2; release <= last; release++) await follow(release)
  // Documents that this process stored are spared once: a new process begins with all of them on the disk.
  const pruner = make()
  await pruner.prune()
  const hasClosure = async (release: number) => {
    const closure = testClosure(wordOf(release))
    const hashes = [sha256(closureCodec.encode(closure)), ...closure.paths.map(({ recipe }) => recipe)]
    const here = await Promise.all(hashes.map(async hash => (await state.document(hash)) !== undefined))
    assert.equal(new Set(here).size, 1, `the documents of release ${release} are here in part`)
    return here[0] === true
  }
  const count = async (table: 'documents' | 'trust') => {
    let entries = 0
    for await (const _ of database.table(table).keys()) entries++
    return entries
  }
  return { fleet, database, clock, state, closures, recipes, index, pruner, make, follow, hasClosure, count }
}

describe('Pruner', () => {
  it('keeps the newest releases with all that devices fetch them by, and bounds the disk', async t => {
    const { state, pruner, hasClosure, count, closures } = await scene(t, many)
    await pruner.prune()
    const versions = await state.releaseVersions()
    assert.deepEqual([versions[0], versions.at(-1), versions.length], [many - keptReleases + 1, many, keptReleases])
    for (const version of versions) assert.ok(await hasClosure(version), `the closure of release ${version}`)
    assert.ok(!(await hasClosure(2)))
    const oldest = testConfig(testClosure(wordOf(many - keptReleases)))
    assert.ok(!closures.isReleased(oldest.closure.multihash.digest), 'a closure is served whose documents are gone')
    // A release, a descriptor and three recipes each, and what is trusted now: nothing of before.
    assert.equal(await count('documents'), keptReleases * 5 + 4)
  })

  it('keeps the shifts of the accepted release, and those of no older one', async t => {
    const { fleet, state, pruner } = await scene(t, 2)
    const hashes: Uint8Array[] = []
    for (const word of ['older', 'newest']) {
      const bytes = Buffer.from(`shifts of the ${word} release`)
      await state.keepDocument(bytes)
      hashes.push(sha256(bytes))
      const extensions = withShifts(undefined, sha256Hex(bytes))
      const { trusted } = fleet.release({ configs: {}, devices: {}, extensions })
      await state.accept(trusted, async ({ hash }) => fleet.document(hash) ?? assert.fail())
    }
    await pruner.prune()
    await pruner.prune()
    const kept = await Promise.all(hashes.map(async hash => (await state.document(hash)) !== undefined))
    assert.deepEqual(kept, [false, true])
  })

  it('grows no more, however many releases come', async t => {
    const { pruner, follow, count } = await scene(t, many)
    await pruner.prune()
    const before = await count('documents')
    for (let release = many + 1; release <= many + 10; release++) await follow(release)
    await pruner.prune()
    await pruner.prune()
    assert.equal(await count('documents'), before)
  })

  it('still has its accepted state after a restart, with every root', async t => {
    const { fleet, database, clock, pruner, count } = await scene(t, many)
    const roots = await count('trust')
    await pruner.prune()
    const again = await FleetState.load(fleet.fleet, database, clock)
    assert.equal(again.accepted?.release.version, many)
    assert.equal(await count('trust'), roots)
    assert.ok(await again.trustStore.root(1))
  })

  it('keeps the release of a generation that the machine may go back to, however old', async t => {
    const { state, pruner, hasClosure } = await scene(t, many)
    pruner.addTopLevels(async () => [testStorePath(wordOf(3))])
    await pruner.prune()
    assert.ok(await hasClosure(3))
    assert.equal((await state.release(3))?.version, 3)
    assert.equal(await state.release(4), undefined)
  })

  it("keeps as many of each site's releases", async t => {
    const { database, fleet, state, make, pruner } = await scene(t, 2)
    const versions = Array.from({ length: many }, (_, at) => at + 1)
    for (const version of versions) {
      const release = { ...fleet.published.release, site: 'north', version }
      const bytes = releaseCodec.encode(release)
      await state.keepDocument(bytes)
      await database.table('releases').put(`north/${version}`, sha256(bytes))
    }
    await pruner.prune()
    await make().prune()
    const left = (await state.siteReleases()).map(({ version }) => version)
    assert.deepEqual(left, versions.slice(-keptReleases))
    assert.deepEqual(await state.releaseVersions(), [1, 2])
  })

  it('keeps what another part says that it needs, and everything when that can not say', async t => {
    const { fleet, state, pruner, count, hasClosure } = await scene(t, many)
    const release = fleet.history[3]?.documents[0] ?? assert.fail()
    pruner.addRoots(async () => [sha256Hex(release)])
    let failing = true
    pruner.addRoots(async () => (failing ? Promise.reject(new Error('no audit log')) : []))
    const before = await count('documents')
    await pruner.prune()
    assert.equal(await count('documents'), before)
    failing = false
    await pruner.prune()
    assert.ok((await count('documents')) < before)
    assert.equal((await state.release(4))?.version, 4)
    assert.ok(!(await hasClosure(4)), 'a log needs what was signed, not what devices fetched by it')
  })

  it('keeps the closures of releases that are proposed', async t => {
    const proposed = { configs: { kiosk: testConfig(testClosure(wordOf(2))) } }
    const { pruner, hasClosure } = await scene(t, many, { proposals: { all: [{ release: proposed }] } as never })
    await pruner.prune()
    assert.ok(await hasClosure(2))
    assert.ok(!(await hasClosure(3)))
  })

  it('keeps the recipes of paths that are in the store, and forgets paths that were collected', async t => {
    const [here, gone] = [testStorePath('here'), testStorePath('gone')]
    const { state, recipes, index, make, pruner } = await scene(t, 2, {
      store: { validPaths: async paths => new Set(paths.filter(path => path === here)) },
    })
    for (const path of [here, gone]) {
      const recipe = Buffer.from(`${path}.recipe`)
      await state.keepDocument(recipe)
      await recipes.remember(path, sha256(recipe))
      await index.add(path, { size: 1, slotCount: 0, positions: [], chunks: [] } as never)
    }
    await pruner.prune()
    await make().prune()
    assert.deepEqual(await index.paths(), [here])
    assert.deepEqual([await recipes.has(here), await recipes.has(gone)], [true, false])
    assert.ok(await state.document(sha256(Buffer.from(`${here}.recipe`))))
    assert.equal(await state.document(sha256(Buffer.from(`${gone}.recipe`))), undefined)
  })

  it('forgets no path while the store can not be asked', async t => {
    const path = testStorePath('here')
    const recipe = Buffer.from('a recipe')
    const { state, recipes, pruner } = await scene(t, 2, {
      store: { validPaths: () => Promise.reject(new Error('no Nix daemon')) },
    })
    await state.keepDocument(recipe)
    await recipes.remember(path, sha256(recipe))
    await pruner.prune()
    await pruner.prune()
    assert.ok(await recipes.has(path))
    assert.ok(await state.document(sha256(recipe)))
  })

  it('forgets how updates went on who is a member no longer', async t => {
    const certificate = ((peer: string) => (peer === 'member' ? {} : undefined)) as never
    const { database, pruner } = await scene(t, 2, { directory: { member: certificate } })
    const history = database.table('history')
    for (const peer of ['member', 'former']) await history.put(peer, Buffer.from('[]'))
    await pruner.prune()
    assert.ok(await history.get('member'))
    assert.equal(await history.get('former'), undefined)
  })

  it('prunes at start, and before its time when very much was signed', async t => {
    const { pruner, state, follow } = await scene(t, many)
    t.after(() => pruner.stop())
    pruner.start()
    const pruned = async () => (await state.releaseVersions()).length === keptReleases
    await until(pruned, 'the pruning at start')
    for (let each = 1; each <= pruneAfterUpdates; each++) await follow(many + each)
    // Documents that came since the last sweep are spared by the next one, and go with the one after it.
    for (let each = 1; each <= pruneAfterUpdates; each++) await follow(many + pruneAfterUpdates + each)
    const early = async () => (await state.releaseVersions()).length <= keptReleases + pruneAfterUpdates
    await until(early, 'an early pruning')
  })

  it('does it once a day where commands come and go', async t => {
    // Hours since the last pruning; a negative number is a clock that was set back.
    for (const [hours, prunings] of [
      [23, 0],
      [25, 1],
      [-1, 1],
    ] as const) {
      const asked = Promise.withResolvers<void>()
      const own = {
        pruned: async () => {
          asked.resolve()
          return Date.now() - (hours / 24) * pruneIntervalMs
        },
        setPruned: async () => {},
      }
      const { make, state } = await scene(t, 2, { own })
      const sweep = t.mock.method(state, 'sweep')
      const pruner = make()
      pruner.start({ whenDue: true })
      await asked.promise
      await new Promise(setImmediate)
      assert.equal(sweep.mock.callCount(), prunings, `after ${hours} hours`)
      await pruner.stop()
    }
  })

  it('removes nothing once it is stopped', async t => {
    const { pruner, count } = await scene(t, many)
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<string[]>()]
    pruner.addRoots(() => {
      asked.resolve()
      return answer.promise
    })
    const before = await count('documents')
    const pruning = pruner.prune()
    await asked.promise
    const stopping = pruner.stop()
    answer.resolve([])
    await Promise.all([pruning, stopping])
    assert.equal(await count('documents'), before)
  })
})
