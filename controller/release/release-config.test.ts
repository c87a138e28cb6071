/** Tests of whether a release would change anything. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Release } from '../../protocol/release/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { sameContent } from './release-config.ts'

const one = testConfig(testClosure('one'))
const two = testConfig(testClosure('two'))
const content: ReleaseContent = {
  message: 'first',
  configs: { kiosk: one, server: two },
  devices: { a: { config: 'kiosk' }, b: { config: 'server' } },
}
const release: Release = testFleet().release(content).release

describe('a release that would change nothing', () => {
  it('names the same systems and gives them to the same devices, in any order', () => {
    assert.equal(sameContent(release, content), true)
    const { kiosk = one, server = two } = content.configs
    const { a = { config: '' }, b = { config: '' } } = content.devices
    assert.equal(sameContent(release, { ...content, configs: { server, kiosk }, devices: { b, a } }), true)
  })

  it('may have another message, commit or closure descriptor: no device would do anything for that', () => {
    const other = { ...content, message: 'second', commit: 'b'.repeat(40) }
    assert.equal(sameContent(release, other), true)
    const signedAnew = { ...one, closure: two.closure }
    assert.equal(sameContent(release, { ...content, configs: { ...content.configs, kiosk: signedAnew } }), true)
  })

  const changes: [what: string, change: Partial<ReleaseContent>][] = [
    ['a system', { configs: { kiosk: two, server: two } }],
    ['a target', { configs: { ...content.configs, kiosk: { ...one, target: 'nixos' } } }],
    ["a device's config", { devices: { a: { config: 'server' }, b: { config: 'server' } } }],
    ['a device more', { devices: { ...content.devices, c: { config: 'kiosk' } } }],
    ['a device less', { devices: { a: { config: 'kiosk' } } }],
    ['a policy', { configs: { ...content.configs, kiosk: { ...one, policy: { attempts: 2 } } } }],
    ['a config less', { configs: { kiosk: one } }],
  ]
  for (const [what, change] of changes) {
    it(`has not ${what} that differs`, () => assert.equal(sameContent(release, { ...content, ...change }), false))
  }
})
