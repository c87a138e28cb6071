/** The release in force: restricted to its devices, and the same object while these stay the same. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { inForce } from './releases.ts'

const kiosk = testConfig(testClosure('kiosk'))
const release = { ...testFleet().published.release, configs: { kiosk }, devices: devicesOf('a', 'b', 'c') }
const ofSite = { ...release, site: 'harbour', devices: devicesOf('c') }

function devicesOf(...names: string[]) {
  return Object.fromEntries(names.map(name => [name, { config: 'kiosk' }]))
}

const device = (name: string, site?: string) => ({ name, role: 'device', ...(site && { site }) }) as Certificate

it('stays the same object, with the same waves, until a device comes or goes', () => {
  const accepted = { release, sites: new Map([['harbour', ofSite]]) }
  const members = [device('a'), device('b'), device('c', 'harbour')]
  const first = inForce(release, accepted, members)
  assert.deepEqual(Object.keys(first.devices), ['a', 'b'])
  const again = inForce(release, accepted, [...members, device('d')])
  assert.equal(again, first)
  assert.equal(wavesOf(again), wavesOf(first))
  assert.deepEqual(Object.keys(inForce(release, accepted, [device('c')]).devices), ['a', 'b', 'c'])
  assert.equal(inForce(release, { release, sites: new Map() }, members), release)
})
