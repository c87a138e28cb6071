/** Bindings: what a Nix key's signature over a config covers, and what a device takes without one. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testConfig, testFleet, testSeed } from '../../test/helpers/fleet.ts'
import { sampleSecrets } from '../../test/helpers/releases.ts'
import type { ExtensionValue } from '../encoding/extensions.ts'
import { fingerprint, formatNixPublicKey, nixSecretKeyFromSeed, signBytes } from '../nix/signature.ts'
import { type Bindings, bindConfig, bindingsOf, isBound, requireBound, withBindings } from './binding.ts'
import type { Release, ReleasedConfig } from './release.ts'

const key = nixSecretKeyFromSeed('orchard-1', testSeed('nix'))
const keys = [formatNixPublicKey(key)]
const base = testFleet().published.release
const probe = { kind: 'command' as const, command: ['/bin/true'] }
const plain = testConfig(testClosure('kiosk'))
const config: ReleasedConfig = { ...plain, policy: { health: { probes: [probe] } }, secrets: sampleSecrets() }

function releaseOf(of: ReleasedConfig, signature?: string, more: Partial<Release> = {}): Release {
  const bindings: Bindings = signature === undefined ? {} : { kiosk: [signature] }
  return { ...base, configs: { kiosk: of }, extensions: withBindings(undefined, bindings), ...more }
}

describe('a binding', () => {
  it('is a critical extension, and keeps the others', () => {
    const extensions = withBindings({ values: { note: 1 }, critical: ['note'] }, { kiosk: ['a:b'] })
    assert.deepEqual(extensions, {
      values: { note: 1, binding: { kiosk: ['a:b'] } },
      critical: ['binding', 'note'],
    })
    assert.deepEqual(withBindings(extensions, {}), { values: { note: 1 }, critical: ['note'] })
    assert.deepEqual(bindingsOf({ extensions }), { kiosk: ['a:b'] })
  })

  it('covers every field of the config, the fleet and the site', () => {
    const signature = bindConfig(base, config, key)
    assert.ok(isBound(releaseOf(config, signature), 'kiosk', keys))
    for (const field of Object.keys(config) as (keyof ReleasedConfig)[]) {
      const other = { ...config, ...testConfig(testClosure('other')), policy: {}, secrets: {} }
      const changed = { ...config, [field]: field === 'target' ? 'nixos' : field === 'system' ? 'x-y' : other[field] }
      if (field === 'paths') changed.paths = 99
      if (field === 'narSize') changed.narSize = 99
      assert.ok(!isBound(releaseOf(changed, signature), 'kiosk', keys), field)
    }
    assert.ok(!isBound(releaseOf(config, signature, { fleet: 'f'.repeat(64) }), 'kiosk', keys))
    assert.ok(!isBound(releaseOf(config, signature, { site: 'berlin' }), 'kiosk', keys))
    assert.ok(!isBound(releaseOf(config, signature), 'other', keys))
  })

  it("is no path's signature, and a path's is no binding", () => {
    const path = { path: plain.topLevel, narHash: new Uint8Array(32), narSize: 1, references: [] }
    const ofPath = signBytes(Buffer.from(fingerprint(path)), key)
    assert.ok(!isBound(releaseOf(config, ofPath), 'kiosk', keys))
  })

  it('counts by trusted keys only, whatever else is in the list', () => {
    const thief = nixSecretKeyFromSeed('orchard-1', testSeed('thief'))
    assert.ok(!isBound(releaseOf(config, bindConfig(base, config, thief)), 'kiosk', keys))
    assert.ok(isBound(releaseOf(config, bindConfig(base, config, key)), 'kiosk', ['rubbish', 'x-1:AAAA', ...keys]))
    assert.ok(!isBound(releaseOf(config, 'rubbish'), 'kiosk', keys))
  })

  it('is refused when it is malformed', () => {
    const wrong: ExtensionValue[] = ['x', { kiosk: 'a:b' }, { kiosk: [] }, { kiosk: [1] }, { Kiosk: ['a:b'] }]
    for (const binding of wrong) {
      const extensions = { values: { binding }, critical: ['binding'] }
      assert.throws(() => bindingsOf({ extensions }), withCode('malformed'))
    }
  })
})

describe('a config without a binding', () => {
  const free = { keys, newSecrets: [], activates: true }

  it('is taken if it runs nothing but its system', () => {
    requireBound(releaseOf(plain), 'kiosk', free)
    requireBound(releaseOf({ ...plain, policy: { health: { probes: [{ kind: 'tcp', port: 80 }] } } }), 'kiosk', free)
  })

  it('is refused for a command probe where its system is activated, and for each new secret', () => {
    const release = releaseOf(config)
    assert.throws(() => requireBound(release, 'kiosk', free), withCode('not-bound', /the command probe \/bin\/true/))
    requireBound(release, 'kiosk', { ...free, activates: false })
    const names = { ...free, activates: false, newSecrets: ['key', 'login'] }
    assert.throws(() => requireBound(release, 'kiosk', names), withCode('not-bound', /secret key, the secret login/))
    requireBound(releaseOf(config, bindConfig(base, config, key)), 'kiosk', { ...names, activates: true })
  })
})
