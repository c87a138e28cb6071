/** Tests of releases. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { FormatError } from '../encoding/cbor.ts'
import { limits } from '../limits.ts'
import { type Release, releaseCodec, wantedConfig } from './release.ts'

const kiosk = testConfig(testClosure('kiosk'))
const release: Release = {
  v: 1,
  fleet: testFleet().fleet,
  version: 2,
  created: '2026-01-31T12:00:00Z',
  message: 'a release',
  configs: { kiosk },
  devices: { 'kiosk-1': { config: 'kiosk' }, 'kiosk-2': { config: 'kiosk' } },
}

describe('releases', () => {
  it('are read back, and say what a device should run', () => {
    const read = releaseCodec.decode(releaseCodec.encode(release))
    assert.deepEqual(read, release)
    assert.deepEqual(wantedConfig(read, 'kiosk-1'), { ...kiosk, name: 'kiosk' })
    assert.equal(wantedConfig(read, 'gate-1'), undefined)
  })

  it('give devices only configs that they have', () => {
    const devices = { 'kiosk-1': { config: 'missing' } }
    assert.throws(() => releaseCodec.encode({ ...release, devices }), withCode('malformed'))
    assert.throws(() => releaseCodec.encode({ ...release, configs: {} }), withCode('malformed'))
  })

  it('take names that objects inherit for names like any other', () => {
    assert.equal(wantedConfig(release, 'constructor'), undefined)
    assert.equal(wantedConfig(release, '__proto__'), undefined)
    const inherited = { ...release, devices: { 'kiosk-1': { config: 'constructor' } } }
    assert.throws(() => releaseCodec.encode(inherited), withCode('malformed'))
    const own = { ...release, configs: { constructor: kiosk }, devices: { constructor: { config: 'constructor' } } }
    const read = releaseCodec.decode(releaseCodec.encode(own as Release))
    assert.equal(wantedConfig(read, 'constructor')?.topLevel, kiosk.topLevel)
  })

  it('cannot reach a prototype', () => {
    for (const key of ['configs', 'devices'] as const) {
      const entry = key === 'configs' ? kiosk : { config: 'kiosk' }
      const polluted = JSON.parse('{"__proto__": 1}')
      Object.defineProperty(polluted, '__proto__', { value: entry, enumerable: true })
      assert.throws(() => releaseCodec.decode(encode({ ...release, [key]: polluted })), FormatError)
    }
    assert.equal(({} as Record<string, unknown>).config, undefined)
  })

  it('refuse what is not a release', () => {
    const wrong: object[] = [
      { ...release, v: 2 },
      { ...release, version: 0 },
      { ...release, version: 1.5 },
      { ...release, fleet: 'orchard' },
      { ...release, created: '2026-02-30T12:00:00Z' },
      { ...release, message: 'a'.repeat(limits.message + 1) },
      { ...release, commit: 'HEAD' },
      { ...release, restores: -1 },
      { ...release, policy: {} },
      { ...release, configs: { Kiosk: kiosk } },
      { ...release, configs: { kiosk: { ...kiosk, topLevel: '/etc/passwd' } } },
      { ...release, configs: { kiosk: { ...kiosk, topLevel: `${kiosk.topLevel}/../x` } } },
      { ...release, configs: { kiosk: { ...kiosk, closure: kiosk.closure.toString() } } },
      { ...release, configs: { kiosk: { ...kiosk, narSize: 0 } } },
      { ...release, configs: { kiosk: { ...kiosk, target: 'windows' } } },
      { ...release, devices: { 'kiosk-1': { config: 'kiosk', run: 'x' } } },
      { ...release, devices: [] },
    ]
    for (const value of wrong) {
      assert.throws(() => releaseCodec.encode(value as Release), withCode('malformed'))
      assert.throws(() => releaseCodec.decode(encode(value)), withCode('malformed'))
    }
  })

  it('are bounded', () => {
    assert.throws(() => releaseCodec.decode(new Uint8Array(limits.release + 1)), withCode('too-large'))
  })
})
