/** Tests of a site's own release that is larger than every peer keeps: told before a build, and where it is signed. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testClosure, testConfig, testFleet, testSigner } from '../../test/helpers/fleet.ts'
import { delegate } from '../../test/helpers/sites.ts'
import { declaredFleetSchema } from '../project/declared-fleet.ts'
import { draftOf } from '../project/release-limits.ts'
import { makeSiteProposal, requireSiteRelease, SiteError } from './sites.ts'

const kim = testSigner('kim')
const config = testConfig(testClosure('hall'))
const names = (count: number) => Array.from({ length: count }, (_, at) => `sensor-${at}`)

function proposalOf(count: number) {
  const fleet = testFleet()
  fleet.release({ configs: {}, devices: {}, message: 'first' })
  const { trusted, release } = delegate(fleet, 'berlin', [kim])
  const devices = Object.fromEntries(names(count).map(name => [name, { config: 'hall' }]))
  const content = { message: 'all of them', configs: { hall: config }, devices }
  const signers = { root: [], targets: [kim], snapshot: [], timestamp: [], members: [] }
  return makeSiteProposal(
    { trusted, release, fleet: fleet.fleet },
    'berlin',
    content,
    { now: fleet.now, signers },
    'kim',
  )
}

function refusal(thrown: unknown): boolean {
  assert.ok(thrown instanceof SiteError && thrown.code === 'too-large')
  assert.match(
    thrown.message,
    /^expected an own release of the site berlin of at most 131\.1 kB, got .+ for \d+ devices$/,
  )
  assert.match(String(thrown.hint), /share configs.*thymesh site revoke berlin/)
  return true
}

describe('an own release of a site', () => {
  it('is refused by name where it is too large, also beyond the largest of all documents', () => {
    assert.equal(proposalOf(100).proposal.documents.length, 1)
    assert.throws(() => proposalOf(6_000), refusal)
    assert.throws(() => proposalOf(45_000), refusal)
  })

  it('is refused as it is declared, before anything is built', () => {
    const system = { system: 'x86_64-linux', target: 'portable' as const }
    const declared = (count: number) => {
      const devices = Object.fromEntries(names(count).map(name => [name, { config: 'hall' }]))
      return draftOf(declaredFleetSchema.parse({ configs: { hall: system }, devices }))
    }
    assert.doesNotThrow(() => requireSiteRelease('berlin', declared(100)))
    assert.throws(() => requireSiteRelease('berlin', declared(6_000)), refusal)
  })
})
