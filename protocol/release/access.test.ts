/** Grants of access: what is a grant, where it counts, and what keys may do by it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AccessGrant,
  accessOf,
  checkedGrants,
  forwardTargetSchema,
  grantsFor,
  mayForward,
  rightsOf,
  withAccess,
} from './access.ts'
import type { Release } from './release.ts'
import { sshFingerprint, sshKeyIn, sshKeySchema } from './ssh-key.ts'

const key = `ssh-ed25519 ${sshBlob('ssh-ed25519', 32)}`
const other = `sk-ssh-ed25519@openssh.com ${sshBlob('sk-ssh-ed25519@openssh.com', 32, 'ssh:')}`

function sshBlob(kind: string, length: number, application?: string): string {
  const part = (bytes: Uint8Array) => {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(bytes.length)
    return Buffer.concat([head, bytes])
  }
  const parts = [Buffer.from(kind), Buffer.alloc(length, 7), ...(application ? [Buffer.from(application)] : [])]
  return Buffer.concat(parts.map(part)).toString('base64')
}

const grant: AccessGrant = {
  id: 'ada-1',
  operator: 'ada',
  keys: [key],
  devices: ['kiosk-*'],
  users: ['root'],
  may: ['shell', 'forward:tcp:127.0.0.1:80'],
}

function release(grants: readonly AccessGrant[], more: Partial<Release> = {}): Release {
  return {
    v: 1,
    fleet: 'f'.repeat(64),
    version: 2,
    created: '2026-01-31T12:00:00Z',
    message: '',
    configs: {},
    devices: { 'kiosk-1': { config: 'a', tags: ['shop'], site: 'north' }, 'hub-1': { config: 'a', site: 'north' } },
    extensions: withAccess(undefined, grants),
    ...more,
  }
}

const ids = (grants: readonly AccessGrant[]) => grants.map(({ id }) => id)
const now = new Date('2026-02-01T00:00:00Z')

describe('access', () => {
  it('counts on devices that the release binds to the name or tag, and on those of the site', () => {
    const grants = [
      grant,
      { ...grant, id: 'tagged', devices: undefined, tags: ['shop'] },
      { ...grant, id: 'at-north', devices: undefined, sites: ['north'] },
    ]
    const releases = { release: release(grants), sites: new Map() }
    assert.deepEqual(ids(grantsFor(releases, { name: 'kiosk-1', site: 'north' }, now)), ['ada-1', 'tagged', 'at-north'])
    // What a device calls itself counts for nothing: this one is in no release.
    assert.deepEqual(ids(grantsFor(releases, { name: 'kiosk-9' }, now)), [])
    assert.deepEqual(ids(grantsFor(releases, { name: 'hub-1', site: 'north' }, now)), ['at-north'])
    assert.deepEqual(ids(grantsFor(releases, { name: 'hub-1', site: 'south' }, now)), [])
  })

  it("of a site's operators counts on that site's devices only", () => {
    const sites = new Map([['north', release([{ ...grant, devices: ['*'] }], { site: 'north' })]])
    const releases = { release: release([]), sites }
    assert.deepEqual(ids(grantsFor(releases, { name: 'kiosk-1', site: 'north' }, now)), ['ada-1'])
    assert.deepEqual(ids(grantsFor(releases, { name: 'kiosk-1', site: 'south' }, now)), [])
    assert.deepEqual(ids(grantsFor(releases, { name: 'kiosk-1' }, now)), [])
  })

  it('with an end counts until then, and not without a clock', () => {
    const releases = { release: release([{ ...grant, until: '2026-02-01T00:00:01Z' }]), sites: new Map() }
    const at = (time: Date | undefined) => ids(grantsFor(releases, { name: 'kiosk-1' }, time))
    assert.deepEqual(at(now), ['ada-1'])
    assert.deepEqual(at(new Date('2026-02-01T00:00:01Z')), [])
    assert.deepEqual(at(undefined), [])
  })

  it('that is malformed grants nothing', () => {
    const broken = release([])
    const extensions = { values: { access: { v: 1, grants: [{ ...grant, may: ['everything'] }] } }, critical: [] }
    assert.throws(() => accessOf({ extensions }), { code: 'malformed' })
    const releases = { release: { ...broken, extensions } as Release, sites: new Map() }
    assert.deepEqual(grantsFor(releases, { name: 'kiosk-1' }, now), [])
  })

  it('adds up what a key may do as a user', () => {
    const grants = [grant, { ...grant, id: 'b', may: ['files'], record: true, until: '2026-03-01T00:00:00Z' }]
    const rights = rightsOf(grants, 'root').get(key)
    assert.deepEqual(rights?.may, ['files', 'forward:tcp:127.0.0.1:80', 'shell'])
    assert.equal(rights?.record, true)
    assert.equal(rights?.until, '2026-03-01T00:00:00Z')
    assert.equal(rightsOf(grants, 'ada').size, 0)
    assert.ok(mayForward(rights?.may ?? [], 'tcp:127.0.0.1:80'))
    assert.ok(!mayForward(rights?.may ?? [], 'tcp:127.0.0.1:8080'))
    assert.ok(mayForward(['forward:tcp:127.0.0.1:*'], 'tcp:127.0.0.1:8080'))
    assert.ok(!mayForward(['forward:tcp:127.0.0.1:*'], 'tcp:169.254.169.254:80'))
  })

  it('refuses grants that name nobody, no place, or what is no right, user, key or target', () => {
    const wrong: Partial<AccessGrant>[] = [
      { keys: [] },
      { users: [] },
      { devices: undefined },
      { users: ['root;reboot'] },
      { users: ['-oProxyCommand'] },
      { may: ['forward:tcp:127.0.0.1:70000'] },
      { may: ['forward:unix:/run/../etc/shadow'] },
      { may: ['forward:tcp:a b:80'] },
      { devices: ['kiosk 1'] },
      { until: '2026-02-31T00:00:00Z' },
    ]
    for (const part of wrong) assert.throws(() => checkedGrants([{ ...grant, ...part }]), JSON.stringify(part))
    assert.throws(() => checkedGrants([grant, grant]))
    assert.ok(forwardTargetSchema.safeParse('tcp:[::1]:80').success)
  })

  it('takes keys of OpenSSH, FIDO keys too, and no others', () => {
    for (const good of [key, other]) assert.ok(sshKeySchema.safeParse(good).success)
    for (const bad of [
      `${key} comment`,
      `ssh-dss ${sshBlob('ssh-dss', 32)}`,
      `ssh-rsa ${sshBlob('ssh-rsa', 100)}`,
      `ssh-ed25519 ${sshBlob('ssh-rsa', 32)}`,
      `ssh-ed25519 ${sshBlob('ssh-ed25519', 8)}`,
      'ssh-ed25519 !!!',
      `command="x" ${key}`,
    ]) {
      assert.ok(!sshKeySchema.safeParse(bad).success, bad)
    }
    assert.equal(sshKeyIn(`  ${key} ada@laptop\n`), key)
    assert.match(sshFingerprint(key), /^SHA256:[A-Za-z0-9+/]{43}$/)
  })
})
