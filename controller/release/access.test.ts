/** Access in a release: grants come and go, stay when something else is released, and waves go on where they are. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AccessGrant, accessOf, withAccess } from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import { accessContent, grantsWith, grantsWithout, keepAccess } from './access.ts'

const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36, 5)])
const wish = {
  operator: 'ada',
  keys: [`ssh-ed25519 ${blob.toString('base64')}`],
  devices: ['*'],
  users: ['root'],
  may: ['shell'],
}
const grant: AccessGrant = { id: 'ada-1', ...wish }

const release: Release = {
  v: 1,
  fleet: 'f'.repeat(64),
  version: 7,
  created: '2026-01-31T12:00:00Z',
  message: 'new kiosk',
  configs: {},
  devices: { 'kiosk-1': { config: 'a' }, 'kiosk-2': { config: 'a' } },
  rollout: { waves: [{ count: 1 }] },
  extensions: { values: { binding: { a: ['x'] } }, critical: ['binding'] },
}

describe('access in a release', () => {
  it('gives each grant an ID of its own, also after others have ended', () => {
    const first = grantsWith([], wish)
    assert.equal(first.id, 'ada-1')
    const second = grantsWith(first.grants, wish)
    assert.equal(second.id, 'ada-2')
    const left = grantsWithout(second.grants, ['ada-1'])
    assert.deepEqual(left.gone, ['ada-1'])
    assert.equal(grantsWith(left.grants, wish).id, 'ada-3')
    assert.deepEqual(grantsWithout(second.grants, ['ada']).grants, [])
    assert.throws(() => grantsWithout(second.grants, ['bob']), { code: 'unknown-grant' })
    assert.throws(() => grantsWith([], { ...wish, users: ['Root'] }), { code: 'invalid-grant' })
  })

  it('changes nothing else, and opens no wave', () => {
    const content = accessContent(release, [grant], 'access for ada')
    assert.deepEqual(content.promotes, { release: 7, waves: 1 })
    assert.deepEqual(content.extensions?.critical, ['binding'])
    assert.deepEqual(content.extensions?.values.binding, { a: ['x'] })
    const next = { ...release, ...content, version: 8 }
    const after = accessContent(next, [], 'none')
    assert.deepEqual(after.promotes, { release: 7, waves: 1 })
    assert.deepEqual(accessOf({ ...next, extensions: after.extensions }), [])
  })

  it('stays when something else is released, and does not come back after it has ended', () => {
    const current = { ...release, extensions: withAccess(release.extensions, [grant]) }
    const deployed = keepAccess(current, { message: 'next', configs: {}, devices: {} })
    assert.deepEqual(accessOf({ extensions: deployed.extensions }), [grant])
    const ended = keepAccess(current, accessContent(current, [], 'none'))
    assert.deepEqual(accessOf({ extensions: ended.extensions }), [])
  })
})
