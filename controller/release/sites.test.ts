/** Tests of releases with a site under another name. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withAlerts } from '../../protocol/alerts/in-release.ts'
import { alertsFileSchema, alertsOf } from '../../protocol/alerts/rules.ts'
import { type AccessGrant, accessOf, withAccess } from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import { uplinksOf, withUplinks } from '../../protocol/release/site-uplinks.ts'
import { contentWithSite, namesSite } from './sites.ts'

const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36, 5)])
const may = { operator: 'ada', keys: [`ssh-ed25519 ${blob.toString('base64')}`], users: ['root'], may: ['shell'] }
const grants: AccessGrant[] = [
  { id: 'ada-1', ...may, sites: ['east', 'west'] },
  { id: 'ada-2', ...may, tags: ['hall'] },
]
const { rules, channels } = alertsFileSchema.parse({
  channels: { ops: { webhook: 'https://ops.example/', by: { sites: ['east'] } } },
  rules: [{ name: 'away', when: { absent: '1h' }, on: { sites: ['north', 'east'] }, notify: ['ops'] }],
})
const uplinks = { east: { bytesPerDay: 2 ** 24 }, west: { bytesPerDay: 2 ** 25 } }
const plain: Release = {
  ...{ v: 1, fleet: 'f'.repeat(64), version: 7, created: '2026-01-31T12:00:00Z', message: 'new kiosk', configs: {} },
  devices: { a: { config: 'k', site: 'east', tags: ['hall'] }, b: { config: 'k', site: 'west' }, c: { config: 'k' } },
}
const current: Release = {
  ...plain,
  extensions: withUplinks(withAlerts(withAccess(undefined, grants), { rules, channels }), uplinks),
}

describe('a release with a site under another name', () => {
  it('has it in devices, grants, alerts and uplinks, and all else as it was', () => {
    const { devices, extensions } = contentWithSite(current, ['east', 'harbour'], 'renamed')
    assert.deepEqual(devices, { ...current.devices, a: { config: 'k', site: 'harbour', tags: ['hall'] } })
    const next = { ...current, devices, ...(extensions && { extensions }) }
    assert.deepEqual(
      accessOf(next).map(({ sites, tags }) => [sites, tags]),
      [
        [['harbour', 'west'], undefined],
        [undefined, ['hall']],
      ],
    )
    assert.deepEqual(alertsOf(next).rules[0]?.on, { sites: ['north', 'harbour'] })
    assert.deepEqual(alertsOf(next).channels.ops?.by, { sites: ['harbour'] })
    assert.deepEqual(uplinksOf(next), { west: uplinks.west, harbour: uplinks.east })
    assert.deepEqual([namesSite(next, 'east'), namesSite(next, 'harbour')], [false, true])
  })

  it('gains nothing that it has not', () => {
    assert.equal(contentWithSite(plain, ['east', 'harbour'], 'renamed').extensions, undefined)
    assert.deepEqual(contentWithSite(current, ['nowhere', 'harbour'], 'x').extensions, current.extensions)
  })

  it('is found in each of these', () => {
    for (const site of ['east', 'west', 'north']) assert.ok(namesSite(current, site), site)
    assert.ok(!namesSite(current, 'south'))
    assert.deepEqual([namesSite(plain, 'west'), namesSite(plain, 'north')], [true, false])
  })
})
