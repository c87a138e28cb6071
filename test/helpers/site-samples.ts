/** A site with operators of its own for the golden bytes: what the fleet signs for it, and what these sign. */

import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { Loaded } from '../../protocol/trust/metadata.ts'
import { makeStatement, type Proposal } from '../../protocol/trust/proposal.ts'
import { createProposal } from '../../protocol/trust/proposals.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { testClosure, testConfig, testFleet, testSigner } from './fleet.ts'
import { delegate, releaseAt, signedAt } from './sites.ts'

const site = 'north'
const at = '2026-01-31T12:00:00Z'

export interface SiteSamples {
  readonly root: Loaded<'root'>
  readonly targets: Loaded<'targets'>
  readonly snapshot: Loaded<'snapshot'>
  /** Of the site's role. */
  readonly metadata: Loaded<'targets'>
  readonly release: Release
  /** Of the site's next release, with one of two signatures. */
  readonly proposal: Proposal
}

export function siteSamples(): SiteSamples {
  const fleet = testFleet()
  const operators = [testSigner('kim'), testSigner('lee')] as const
  delegate(fleet, site, operators, ['north-1:AAAA'])
  const content = {
    message: 'the new sign',
    configs: { kiosk: testConfig(testClosure('kiosk')) },
    devices: { 'kiosk-1': { config: 'kiosk', site } },
  }
  const { trusted, documents } = releaseAt(fleet, site, operators, content)
  const { root, targets, snapshot, delegated } = trusted as Required<TrustedSet>
  const metadata = delegated[`sites/${site}`] as Loaded<'targets'>
  const release = releaseCodec.decode(documents[0] ?? new Uint8Array())
  const next = signedAt(fleet, site, [], { ...content, message: 'again' })
  const [kim] = operators
  const said = { fleet: fleet.fleet, operator: 'kim', verdict: 'proposed' as const, at, message: 'again' }
  const unsigned: Proposal = {
    v: 1,
    fleet: fleet.fleet,
    author: kim.keyId,
    operator: 'kim',
    created: at,
    message: 'again',
    site: { name: site, metadata: next.metadata.bytes },
    documents: [next.bytes],
    statements: [],
  }
  const { proposal } = createProposal(unsigned, [kim], id => makeStatement({ ...said, proposal: id }, kim), trusted)
  return { root, targets, snapshot, metadata, release, proposal }
}

/** A device that runs its site's own release. */
export function siteReport(fleet: string, peer: string): Report {
  return { v: 1, fleet, peer, counter: 11, site, state: 'running', config: 'kiosk', release: 1, freshness: 'fresh' }
}
