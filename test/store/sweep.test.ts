/** The housekeeper with a real store: what it sweeps, and that what runs, boots, ran before or is staged stays. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Housekeeper } from '../../node/activation/housekeeper.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import { silentLogger } from '../helpers/log.ts'
import { missingNix, Stores } from './real-stores.ts'

const options = { skip: await missingNix(), timeout: 120_000 }

test('a sweep keeps the newest generations and those that are needed, and takes the rest', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const store = await stores.open(real.root)
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-sweep-'))
  t.after(() => rm(directory, { recursive: true }))
  const tops: string[] = []
  for (let each = 1; each <= 6; each++) {
    const top = await real.addText(`top-${each}`, `generation ${each}`)
    tops.push(top)
    await store.setProfile('thymesh', top)
  }
  const staged = await real.addText('staged', 'about to run')
  const loose = await real.addText('loose', 'nobody needs it')
  await store.makeRoot('staged', staged)
  const generations = await store.generations('thymesh')
  assert.deepEqual(
    generations.map(({ number, path, current }) => [number, path, current]),
    tops.map((top, at) => [at + 1, top, at === 5]),
  )

  const policy = policyOf({ keep: { generations: 2, days: 0 } })
  // The first one runs, the second boots, the third is what the last update came from.
  const activator = { running: async () => tops[0], boots: async () => tops[1], last: async () => lastOf(tops[2]) }
  const lastOf = (old: string | undefined) => ({ state: 'committed', new: tops[5], old }) as never
  const components = { store, activator, config: () => ({ policy, target: 'portable' as const }), log: silentLogger }
  await new Housekeeper(components, { directory }).sweep()

  const left = (await store.generations('thymesh')).map(({ number }) => number)
  assert.deepEqual(left, [1, 2, 3, 5, 6])
  assert.deepEqual(
    await store.validPaths([...tops, staged, loose]),
    new Set([...tops.filter(top => top !== tops[3]), staged]),
  )
})

test('nothing is swept while an update is under way', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const store = await stores.open(real.root)
  const loose = await real.addText('loose', 'nobody needs it')
  const activator = {
    running: async () => undefined,
    boots: async () => undefined,
    last: async () => ({ state: 'testing' }) as never,
  }
  const config = () => ({ policy: policyOf(undefined), target: 'portable' as const })
  await new Housekeeper({ store, activator, config, log: silentLogger }, { directory: tmpdir() }).sweep()
  assert.equal(await store.isValid(loose), true)
})

// Nix holds what a connection has imported until that connection closes.
test('a collection takes what was imported a moment ago and nobody needs', options, async t => {
  const stores = await Stores.of(t)
  const { file, publicKey } = await stores.key('test-1')
  const real = stores.real('a')
  const path = await real.addText('loose', 'nobody needs it')
  await real.sign(file, path)
  const from = await stores.open(real.root)
  const to = await stores.open(stores.real('b').root, { trustedPublicKeys: [publicKey] })
  const info = await from.pathInfo(path)
  assert.ok(info)
  await to.import(info, (await from.nar(path)).stream())
  await to.collectGarbage()
  assert.equal(await to.isValid(path), false)
})
