/** What bundles hold: the configs of a site, without what the receivers have, in volumes of a size. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { cidOf, hashOfCid } from '../../protocol/encoding/cid.ts'
import { sha256Hex, toHex } from '../../protocol/encoding/hash.ts'
import type { Release } from '../../protocol/release/release.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import { ChunkedClosure, memoryPath } from '../../test/helpers/chunked-closure.ts'
import { testConfig, testStorePath } from '../../test/helpers/fleet.ts'
import { noise } from '../../test/helpers/planted-nar.ts'
import { joinSplit, sampleName, shardedSample } from '../../test/helpers/sharded.ts'
import type { AcceptedState } from '../state/fleet-state.ts'
import { BundleMaker } from './bundle-maker.ts'
import { planBundle } from './bundle-plan.ts'

const shared = memoryPath(testStorePath('shared'), noise('shared', 400_000))
const kiosk = await ChunkedClosure.of([shared, memoryPath(testStorePath('kiosk'), noise('kiosk', 300_000))])
const server = await ChunkedClosure.of([shared, memoryPath(testStorePath('server'), noise('server', 300_000))])

/** The kiosk with a few bytes put in. */
const edited = Buffer.concat([
  noise('kiosk', 150_000),
  Buffer.from('put in'),
  noise('kiosk', 300_000).subarray(150_000),
])

const known = new Map(
  [kiosk, server].map(({ closure, list }) => {
    const hash = hashOfCid(cidOf(closureCodec.encode(closure)))
    return [toHex(hash), { hash, closure, list }]
  }),
)
const closures = { held: async (hash: Uint8Array) => known.get(toHex(hash)) }
const release = {
  version: 3,
  configs: { kiosk: testConfig(kiosk.closure), server: testConfig(server.closure) },
  devices: {
    'kiosk-1': { config: 'kiosk', site: 'ship' },
    'server-1': { config: 'server', site: 'shore' },
  },
} as unknown as Release
const accepted = { release, sites: new Map() } as unknown as AcceptedState
const all = new Set([kiosk, server].flatMap(({ list }) => [...list.lengths.keys()].map(n => toHex(list.hash(n)))))

describe('the plan of a bundle', () => {
  it('has each chunk of all configs once', async () => {
    const { configs, documents, volumes } = await planBundle(accepted, closures, {})
    assert.deepEqual(configs, ['kiosk', 'server'])
    assert.equal(volumes.length, 1)
    assert.equal(volumes[0]?.chunks, all.size)
    assert.equal(new Set(documents).size, documents.length)
    // Two descriptors, and the recipes of three paths.
    assert.equal(documents.length, 5)
  })

  it('for a site has the configs of its devices only', async () => {
    const { configs, volumes } = await planBundle(accepted, closures, { site: 'ship' })
    assert.deepEqual(configs, ['kiosk'])
    assert.equal(volumes[0]?.chunks, kiosk.list.count)
    await assert.rejects(planBundle(accepted, closures, { site: 'moon' }), { code: 'nothing-to-carry' })
  })

  it('leaves out what the receivers hold, documents too', async () => {
    const config = release.configs.kiosk
    assert.ok(config)
    const without = new Map([[config.topLevel, hashOfCid(config.closure)]])
    const plan = await planBundle(accepted, closures, { without })
    assert.deepEqual(plan.without, [config.topLevel])
    assert.equal(plan.volumes[0]?.chunks, all.size - kiosk.list.count)
    assert.equal(plan.documents.length, 2)
  })

  it('has the manifest of a sharded release and all shards, or those of a site and of the waves before its devices', async () => {
    const large: Release = { ...shardedSample(200), rollout: { waves: [{ count: 5 }] } }
    const config = release.configs.kiosk ?? assert.fail()
    const whole = { ...large, configs: { kiosk: config } }
    const made = splitRelease(whole, 500)
    const sharded = { release: joinSplit(made), sites: new Map() } as unknown as AcceptedState
    const all = new Set(made.documents.map(bytes => sha256Hex(bytes)))
    const shardsOf = async (site?: string) =>
      (await planBundle(sharded, closures, { site })).documents.filter(hash => all.has(hash))
    assert.equal((await shardsOf()).length, all.size)
    const part = await shardsOf('site-3')
    assert.ok(part.length > 2 && part.length < all.size / 3, `${part.length} of ${all.size}`)
    const here = new Set(part)
    const documents = made.documents.map(bytes => (here.has(sha256Hex(bytes)) ? bytes : new Uint8Array()))
    const at = joinSplit({ ...made, documents }, { all: false, devices: [sampleName(77)], waves: { from: 1, to: 1 } })
    assert.deepEqual([wavesOf(at)[0]?.devices.length, at.devices[sampleName(77)]?.site], [5, 'site-3'])
    const lacking = { ...sharded, release: joinSplit(made, { all: false, devices: [] }) }
    await assert.rejects(planBundle(lacking, closures, {}), { code: 'shards-missing' })
  })

  it('is refused without a closure’s documents, or with volumes that hold nothing', async () => {
    const none = { held: async () => undefined }
    await assert.rejects(planBundle(accepted, none, {}), { code: 'closure-missing' })
    await assert.rejects(planBundle(accepted, closures, { volumeBytes: 1000 }), { code: 'volume-too-small' })
  })
})

describe('the maker of bundles', () => {
  it('knows from reports what a site runs', async () => {
    const directory = {
      members: () => [
        { peer: 'a', name: 'kiosk-1', role: 'device', report: { running: release.configs.kiosk?.topLevel } },
        {
          ...{ peer: 'b', name: 'server-1', role: 'device', site: 'shore' },
          report: { running: release.configs.server?.topLevel },
        },
      ],
      report: () => ({ document: {} }),
    }
    const state = {
      accepted,
      releaseVersions: async () => [3],
      release: async (version: number) => (version === 3 ? release : undefined),
      siteReleases: async () => [],
    }
    const maker = new BundleMaker({ directory, state, closures, swarms: {} } as never)
    const { without, volumes } = await maker.plan({ site: 'ship' })
    assert.deepEqual([without, volumes[0]?.chunks], [[release.configs.kiosk?.topLevel], 0])
    await assert.rejects(maker.plan({ since: 2 }), { code: 'no-release' })
    const early = new BundleMaker({ directory, state: { accepted: undefined }, closures, swarms: {} } as never)
    await assert.rejects(early.plan({}), { code: 'no-release' })
  })

  it('makes deltas for devices that read them and hold a base, and for a site only if all have said what they run', async () => {
    const extensions = { reads: ['bundle-deltas'] }
    const running = release.configs.kiosk?.topLevel
    const planned = async (reports: Record<string, object | undefined>, site?: string) => {
      const directory = {
        members: () =>
          Object.keys(reports).map(peer => ({
            ...{ peer, name: peer, role: 'device', site: 'ship' },
            report: reports[peer],
          })),
        report: (peer: string) => reports[peer] && { document: reports[peer] },
      }
      const next = await ChunkedClosure.of([memoryPath(testStorePath('kiosk-9'), edited)])
      const hash = hashOfCid(cidOf(closureCodec.encode(next.closure)))
      const all = new Map([...known, [toHex(hash), { hash, ...next }]])
      const newest = { ...release, version: 4, configs: { kiosk: testConfig(next.closure) } } as Release
      const state = {
        accepted: { release: newest, sites: new Map() },
        releaseVersions: async () => [3, 4],
        release: async (version: number) => (version === 3 ? release : newest),
        siteReleases: async () => [],
      }
      const closures = { held: async (id: Uint8Array) => all.get(toHex(id)) }
      const maker = new BundleMaker({ directory, state, closures, swarms: {} } as never)
      const plan = await maker.plan(site === undefined ? { since: 3 } : { site })
      const chunks = plan.volumes.flatMap(({ packs }) => packs.flat())
      return chunks.length > 0 && chunks.some(chunk => plan.baseOf(chunk) !== undefined)
    }
    const reads = { running, extensions }
    assert.equal(await planned({ 'kiosk-1': reads }, 'ship'), true)
    assert.equal(await planned({ 'kiosk-1': { running } }, 'ship'), false)
    assert.equal(await planned({ 'kiosk-1': reads, 'kiosk-2': undefined }, 'ship'), false)
    assert.equal(
      await planned({ 'kiosk-2': undefined }),
      false,
      'release 3 has two configs, with nothing of kiosk in common',
    )
  })
})
