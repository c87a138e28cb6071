/** Tests of what a rollback goes back to, and of what its release says. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withAlerts } from '../../protocol/alerts/in-release.ts'
import { alertsOf } from '../../protocol/alerts/rules.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import { hubsOf, withHubs } from '../../protocol/release/hubs.ts'
import type { Release } from '../../protocol/release/release.ts'
import { uplinksOf, withUplinks } from '../../protocol/release/site-uplinks.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { chooseVersion, chosenDevices, requireKept, rollbackContent } from './rollback.ts'

const fleet = testFleet()
const [one, two] = ['one', 'two'].map(name => testConfig(testClosure(name)))

function release(content: Partial<Release>): Release {
  return { ...fleet.published.release, configs: {}, devices: {}, ...content }
}

describe('the version to go back to', () => {
  const known = [1, 2, 3, 4, 5]

  it('is the one before the current release', () => {
    assert.equal(chooseVersion(release({ version: 5 }), known), 4)
    assert.equal(chooseVersion(release({ version: 5 }), [1, 2, 5]), 2)
  })

  it('is the one before what the current release restored', () => {
    assert.equal(chooseVersion(release({ version: 5, restores: 3 }), known), 2)
  })

  it('is the one that was asked for', () => {
    assert.equal(chooseVersion(release({ version: 5 }), known, 2), 2)
    assert.equal(chooseVersion(release({ version: 5, restores: 3 }), known, 4), 4)
  })

  it('is never the founding, which names nothing', () => {
    assert.throws(() => chooseVersion(release({ version: 2 }), [1, 2]), withCode('no-earlier'))
    assert.throws(() => chooseVersion(release({ version: 1 }), [1], 1), withCode('no-earlier'))
    assert.throws(() => chooseVersion(release({ version: 5, restores: 2 }), known), withCode('no-earlier'))
    assert.throws(() => chooseVersion(release({ version: 5 }), known, 1), withCode('unknown-version'))
  })

  it('is never the current or a later release, nor one that is not known', () => {
    for (const wanted of [5, 6]) {
      assert.throws(() => chooseVersion(release({ version: 5 }), known, wanted), withCode('unknown-version'))
    }
    assert.throws(
      () => chooseVersion(release({ version: 9 }), [1, 2, 3, 4, 7, 9], 6),
      withCode('unknown-version', /expected one of the releases 2-4, 7, got 6/),
    )
  })
})

describe('the release of a rollback', () => {
  assert.ok(one && two)
  const commit = 'a'.repeat(40)
  const old = release({ version: 2, commit, configs: { kiosk: one }, devices: { a: { config: 'kiosk' } } })
  const current = release({
    version: 3,
    configs: { kiosk: two, server: two },
    devices: { a: { config: 'server' }, b: { config: 'kiosk' }, c: { config: 'server' } },
  })

  it('gives each device what the old one gave it, and says which that was', () => {
    const content = rollbackContent(current, old, undefined)
    assert.deepEqual([content.restores, content.commit, content.message], [2, commit, 'back to release 2'])
    assert.deepEqual(content.devices, { a: { config: 'kiosk' }, b: { config: 'kiosk' }, c: { config: 'server' } })
    assert.deepEqual(content.configs, { kiosk: one, server: two })
  })

  it('keeps the budgets, alerts and hubs of today, whatever the old one had', () => {
    const saying = (mib: number, hub: string, rule: string): Pick<Release, 'extensions'> => {
      const rules = [
        { name: rule, when: { clone: true as const }, severity: 'info' as const, notify: [], resolve: true },
      ]
      const alerts = withAlerts(undefined, { ...alertsOf(undefined), rules })
      const uplinks = withUplinks(alerts, { north: { bytesPerDay: mib * 1024 ** 2 } })
      return { extensions: withHubs(uplinks, { [hub]: ['/dns4/hub.example/tcp/4460'] }) }
    }
    const of = (release: Pick<Release, 'extensions'>) => [uplinksOf(release), hubsOf(release), alertsOf(release)]
    const today = saying(9, 'hub-1', 'new')
    const then = saying(5, 'hub-2', 'old')
    assert.equal(alertsOf(today).rules.length, 1)
    assert.deepEqual(of(rollbackContent({ ...current, ...today }, { ...old, ...then }, undefined)), of(today))
    assert.deepEqual(of(rollbackContent(current, { ...old, ...then }, undefined)), of({}))
  })

  it('leaves out configs that no device has any more', () => {
    const { configs } = rollbackContent({ ...current, devices: { a: { config: 'server' } } }, old, 'why')
    assert.deepEqual(Object.keys(configs), ['kiosk'])
  })

  it('restores what an earlier rollback restored', () => {
    assert.equal(rollbackContent(current, { ...old, version: 4, restores: 2 }, 'why').restores, 2)
    assert.equal(rollbackContent(current, old, 'why').message, 'why')
  })
})

describe('a rollback of some devices', () => {
  const current = release({
    version: 5,
    configs: { kiosk: two },
    devices: { 'a-1': { config: 'kiosk', tags: ['canary'] }, 'a-2': { config: 'kiosk' }, 'a-3': { config: 'kiosk' } },
  } as Partial<Release>)
  const old = release({
    version: 4,
    configs: { kiosk: one },
    devices: { 'a-1': { config: 'kiosk' }, 'a-2': { config: 'kiosk' } },
  } as Partial<Release>)

  it('gives them the old config by a name of its own, and leaves the others alone', () => {
    const content = rollbackContent(current, old, undefined, ['a-2'])
    assert.deepEqual(content.configs, { kiosk: two, 'kiosk-release-4': one })
    assert.deepEqual(content.devices, { ...current.devices, 'a-2': { config: 'kiosk-release-4' } })
    assert.equal(content.restores, 4)
    assert.equal(content.message, 'back to release 4 on a-2')
  })

  it('needs no other name where the config is the same', () => {
    const content = rollbackContent(current, { ...old, configs: current.configs }, undefined, ['a-1'])
    assert.deepEqual(content.configs, current.configs)
  })

  it('keeps names of configs within what a name may be', () => {
    const long = 'k'.repeat(63)
    const devices = { 'a-1': { config: long } }
    const content = rollbackContent(
      release({ version: 5, configs: { [long]: two }, devices } as Partial<Release>),
      release({ version: 4, configs: { [long]: one }, devices } as Partial<Release>),
      undefined,
      ['a-1'],
    )
    assert.equal(content.devices['a-1']?.config, `${'k'.repeat(53)}-release-4`)
  })

  it('chooses by name and by tag, and says which it does not know', () => {
    assert.equal(chosenDevices(current, { device: [], tag: [] }), undefined)
    assert.deepEqual(chosenDevices(current, { device: ['a-3'], tag: ['canary'] }), ['a-1', 'a-3'])
    assert.throws(() => chosenDevices(current, { device: ['b-1'], tag: [] }), withCode('unknown-device'))
    assert.throws(() => chosenDevices(current, { device: [], tag: ['none'] }), withCode('unknown-device'))
    assert.throws(() => rollbackContent(current, old, undefined, ['a-3']), withCode('unknown-device'))
  })
})

describe('what is too old to go back to', () => {
  assert.ok(one && two)
  const devices = { a: { config: 'kiosk' }, b: { config: 'server' } }
  const old = release({ version: 2, configs: { kiosk: one, server: two }, devices })
  const isHere = (...names: string[]) => {
    const hashes = names.map(name => toHex(hashOfCid(testConfig(testClosure(name)).closure)))
    return async (closure: Uint8Array) => hashes.includes(toHex(closure))
  }

  it('is none of the releases that every peer keeps', async () => {
    await requireKept(old, [2, 3], isHere())
  })

  it('is what this controller can not describe to devices any more', async () => {
    await requireKept(old, [3, 4], isHere('one', 'two'))
    await assert.rejects(
      requireKept(old, [3, 4], isHere('one')),
      withCode('not-kept', /release 2 .* its config server/),
    )
  })

  it('is rated by the devices that go back', async () => {
    await requireKept(old, [3, 4], isHere('one'), ['a'])
    await assert.rejects(requireKept(old, [3, 4], isHere('one'), ['b']), withCode('not-kept'))
  })
})
