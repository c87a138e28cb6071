/** Tests of releases with one device under another name, or without it: what names it goes with it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withAlerts } from '../../protocol/alerts/in-release.ts'
import { alertsFileSchema, alertsOf, rulesFor } from '../../protocol/alerts/rules.ts'
import { type AccessGrant, accessOf, withAccess } from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import { contentWithDevice, contentWithoutDevice } from './devices.ts'

const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36, 5)])
const may = { operator: 'ada', keys: [`ssh-ed25519 ${blob.toString('base64')}`], users: ['root'], may: ['shell'] }
const grants: AccessGrant[] = [
  { id: 'ada-1', ...may, devices: ['kiosk-1', 'kiosk-2'] },
  { id: 'ada-2', ...may, devices: ['kiosk-1'] },
  { id: 'ada-3', ...may, devices: ['kiosk-1'], tags: ['hall'] },
]
const { rules, channels } = alertsFileSchema.parse({
  rules: [{ name: 'away', when: { absent: '1h' }, on: { devices: ['kiosk-1'] } }],
})
const current: Release = {
  v: 1,
  fleet: 'f'.repeat(64),
  version: 7,
  created: '2026-01-31T12:00:00Z',
  message: 'new kiosk',
  configs: {},
  devices: { 'kiosk-1': { config: 'a', site: 'east', tags: ['hall'] }, 'kiosk-2': { config: 'b' } },
  extensions: withAlerts(withAccess(undefined, grants), { rules, channels }),
}

describe('a release with one device as it is now', () => {
  it('has grants and alerts under its new name, and all else as it was', () => {
    const { devices, extensions } = contentWithDevice(current, 'kiosk-1', { name: 'till', site: 'west' }, 'renamed')
    assert.deepEqual(devices, { till: { config: 'a', site: 'west', tags: ['hall'] }, 'kiosk-2': { config: 'b' } })
    const next = { ...current, devices, ...(extensions && { extensions }) }
    assert.deepEqual(
      accessOf(next).map(grant => grant.devices),
      [['till', 'kiosk-2'], ['till'], ['till']],
    )
    assert.deepEqual(
      rulesFor(next, 'till').map(({ name }) => name),
      ['away'],
    )
    assert.deepEqual(rulesFor(next, 'kiosk-2'), [])
  })

  it('has no grant any more that names a device alone which is gone', () => {
    const { devices, extensions } = contentWithoutDevice(current, 'kiosk-1', 'retired')
    assert.deepEqual(Object.keys(devices), ['kiosk-2'])
    const left = accessOf({ ...(extensions && { extensions }) })
    assert.deepEqual(
      left.map(({ id, devices: named }) => [id, named]),
      [
        ['ada-1', ['kiosk-2']],
        ['ada-3', undefined],
      ],
    )
  })

  it('has alerts about the others, without the name of a device that is gone', () => {
    const about = alertsFileSchema.parse({
      rules: [
        { name: 'away', when: { absent: '1h' }, on: { devices: ['kiosk-1', 'kiosk-2'] } },
        { name: 'all', when: { absent: '2h' } },
      ],
    })
    const before = { ...current, extensions: withAlerts(current.extensions, about) }
    const { extensions } = contentWithoutDevice(before, 'kiosk-1', 'retired')
    const left = alertsOf({ ...(extensions && { extensions }) }).rules
    assert.deepEqual(
      left.map(({ on }) => on),
      [{ devices: ['kiosk-2'] }, undefined],
    )
  })
})
