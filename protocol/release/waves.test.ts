/** Tests of waves: every device in one, chosen alike wherever it is worked out. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { type Release, releaseCodec } from './release.ts'
import type { RolloutPolicy, WavePolicy } from './rollout-policy.ts'
import { ranked, wavesOf } from './waves.ts'

const kiosk = testConfig(testClosure('kiosk'))

function release(devices: Release['devices'], rollout?: RolloutPolicy, more: Partial<Release> = {}): Release {
  return {
    v: 1,
    fleet: testFleet().fleet,
    version: 2,
    created: '2026-01-31T12:00:00Z',
    message: '',
    configs: { kiosk },
    devices,
    ...(rollout && { rollout }),
    ...more,
  }
}

function fleetOf(count: number): Release['devices'] {
  const entries = Array.from({ length: count }, (_, at) => [
    `kiosk-${at}`,
    { config: 'kiosk', site: `site-${at % 4}`, ...(at % 5 === 0 && { tags: ['canary', 'shop'] }) },
  ])
  return Object.fromEntries(entries)
}

const sizes = (made: Release) => wavesOf(made).map(({ devices }) => devices.length)

describe('waves', () => {
  it('are one, of all devices, without a policy', () => {
    const [all, ...more] = wavesOf(release(fleetOf(7)))
    assert.equal(all?.devices.length, 7)
    assert.deepEqual(more, [])
  })

  it('choose by tag, count, percentage and site, and leave the rest to the last', () => {
    const waves: WavePolicy[] = [{ tag: 'canary' }, { onePerSite: true }, { count: 3 }, { percent: 15 }]
    const made = release(fleetOf(40), { waves })
    assert.deepEqual(sizes(made), [8, 4, 3, 6, 19])
    const [canary, perSite] = wavesOf(made)
    assert.ok(canary?.devices.every(name => made.devices[name]?.tags?.includes('canary')))
    assert.equal(new Set(perSite?.devices.map(name => made.devices[name]?.site)).size, 4)
    assert.deepEqual(
      wavesOf(made).map(({ title }) => title),
      ['tag canary', 'one device of each site', '3 devices', '15 %', 'all others'],
    )
  })

  it('take what is left when they want more, and may be empty', () => {
    assert.deepEqual(
      sizes(release(fleetOf(3), { waves: [{ tag: 'none' }, { count: 2 }, { percent: 100 }] })),
      [0, 2, 1],
    )
  })

  it('have the proof of their own, else of the policy, else the default', () => {
    const policy: RolloutPolicy = { waves: [{ count: 1, soakSeconds: 0, failures: 2, absent: 1 }], soakSeconds: 60 }
    const [first, rest] = wavesOf(release(fleetOf(3), policy))
    assert.deepEqual([first?.soakSeconds, first?.failures, first?.absent], [0, 2, 1])
    assert.deepEqual([rest?.soakSeconds, rest?.failures, rest?.absent], [60, 0, 0])
  })

  it('hold every device once, in whatever order the devices were written', () => {
    const wave = fc.oneof(
      fc.constant<WavePolicy>({ tag: 'canary' }),
      fc.integer({ min: 1, max: 30 }).map(count => ({ count })),
      fc.integer({ min: 1, max: 100 }).map(percent => ({ percent })),
      fc.constant<WavePolicy>({ onePerSite: true }),
    )
    const property = fc.property(fc.nat(40), fc.array(wave, { minLength: 1, maxLength: 5 }), (count, waves) => {
      const devices = fleetOf(count)
      const made = wavesOf(release(devices, { waves }))
      assert.deepEqual(made.flatMap(each => each.devices).sort(), Object.keys(devices).sort())
      const turned = Object.fromEntries(Object.entries(devices).reverse())
      assert.deepEqual(wavesOf(release(turned, { waves })), made)
    })
    fc.assert(property)
  })

  it('are others with each release, and those of the release that is promoted', () => {
    const policy: RolloutPolicy = { waves: [{ count: 3 }] }
    const first = (more: Partial<Release>) => wavesOf(release(fleetOf(60), policy, more))[0]?.devices
    assert.notDeepEqual(first({ version: 2 }), first({ version: 3 }))
    assert.deepEqual(first({ version: 3, promotes: { release: 2 } }), first({ version: 2 }))
  })

  it('move only the devices that a new device pushes out', () => {
    const names = Array.from({ length: 20 }, (_, at) => `kiosk-${at}`)
    const order = ranked(names, 'seed')
    assert.deepEqual(
      ranked([...names, 'newcomer'], 'seed').filter(name => name !== 'newcomer'),
      order,
    )
  })
})

describe('rollout policies in a release', () => {
  const read = (rollout: object) => releaseCodec.encode(release(fleetOf(2), rollout as RolloutPolicy))

  it('are read back', () => {
    const policy: RolloutPolicy = {
      waves: [{ tag: 'canary', soakSeconds: 60 }, { percent: 10 }],
      failures: 1,
      isolated: { afterSeconds: 3600 },
      prefetch: false,
    }
    const made = release(fleetOf(2), policy, { promotes: { release: 1, waves: 2 } })
    assert.deepEqual(releaseCodec.decode(releaseCodec.encode(made)), made)
  })

  it('are refused when they are none', () => {
    const wrong = [
      { waves: [] },
      { waves: [{}] },
      { waves: [{ tag: 'a', count: 1 }] },
      { waves: [{ percent: 0 }] },
      { waves: [{ percent: 101 }] },
      { waves: [{ count: 1.5 }] },
      { waves: [{ onePerSite: false }] },
      { waves: [{ count: 1, soakSeconds: -1 }] },
      { waves: Array.from({ length: 17 }, () => ({ count: 1 })) },
      { waves: [{ count: 1 }], isolated: 'go' },
      { waves: [{ count: 1 }], isolated: { afterSeconds: 0 } },
      { waves: [{ count: 1 }], unknown: true },
    ]
    for (const policy of wrong) assert.throws(() => read(policy), withCode('malformed'), JSON.stringify(policy))
  })
})
