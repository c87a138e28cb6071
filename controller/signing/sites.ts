/** Sites with operators of their own: giving them a site, taking it back, and what they propose for it. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { HintedError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import { keyIdOf, type Signer } from '../../protocol/signing/keys.ts'
import { signMetadata } from '../../protocol/trust/metadata.ts'
import { makeStatement, type Proposal } from '../../protocol/trust/proposal.ts'
import { createProposal, type VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { draftSiteRelease, type ReleaseContent } from '../../protocol/trust/publish.ts'
import { sitesOf, siteVersion } from '../../protocol/trust/sites.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { operatorName } from '../fleet/names.ts'
import { shortId, size } from '../format/table.ts'
import type { OperatorCard } from '../keys/card.ts'
import { requirePlausibleClock } from './clock.ts'
import type { Change, Operator } from './proposing.ts'
import { requireLivingRoot } from './root-end.ts'

export class SiteError extends HintedError<
  'unknown-site' | 'threshold' | 'too-many-sites' | 'not-yours' | 'too-large'
> {}

/** Gives a site to these operators, in place of whoever had it. */
export function delegateSite(
  trusted: TrustedSet,
  site: string,
  cards: readonly OperatorCard[],
  threshold: number,
): Change {
  if (threshold < 1 || threshold > cards.length) {
    throw new SiteError(
      'threshold',
      `--threshold: expected at most ${cards.length}, the number of named operators, got ${threshold}`,
      {
        hint: 'Name each operator of the site with --operator, by card or file.',
      },
    )
  }
  const sites = new Map(sitesOf(trusted.targets))
  sites.set(site, { keys: cards.map(({ targets }) => targets), threshold })
  if (sites.size > limits.sites) {
    throw new SiteError('too-many-sites', `expected at most ${limits.sites} sites with operators, got ${sites.size}`, {
      hint: 'Take another site back first: thymesh site revoke SITE.',
    })
  }
  const nix = { [site]: cards.map(({ nix }) => nix) }
  return { sites, root: rootWith(nix), message: `the site ${site} to ${cards.map(({ name }) => name).join(', ')}` }
}

/** Takes a site back: the fleet's release counts there again. */
export function revokeSite(trusted: TrustedSet, site: string): Change {
  const sites = new Map(sitesOf(trusted.targets))
  if (!sites.delete(site)) throw unknownSite(site, [...sites.keys()])
  return { sites, root: rootWith({ [site]: [] }), message: `the site ${site} back to the fleet's operators` }
}

function rootWith(siteNixKeys: Readonly<Record<string, readonly string[]>>) {
  return { add: [], remove: [], thresholds: {}, dropNixKeys: [], siteNixKeys }
}

function unknownSite(site: string, known: readonly string[]): SiteError {
  return new SiteError('unknown-site', `expected a site with operators of its own, got ${site}`, {
    hint:
      known.length === 0
        ? 'No site has any: `thymesh site delegate` gives a site to operators.'
        : `Choose one of ${known.join(', ')}, or give it to operators with \`thymesh site delegate\`.`,
  })
}

/** Those of an operator's keys that sign for a site. Throws where there are none. */
export function requireSiteSigners(
  trusted: TrustedSet,
  site: string,
  signers: Operator['signers'],
): [Signer, ...Signer[]] {
  const sites = sitesOf(trusted.targets)
  const authority = sites.get(site)
  if (authority === undefined) throw unknownSite(site, [...sites.keys()])
  const [first, ...rest] = signers.targets.filter(({ publicKey }) =>
    authority.keys.some(key => equalBytes(key, publicKey)),
  )
  if (first !== undefined) return [first, ...rest]
  const ids = authority.keys.map(key => shortId(keyIdOf(key))).join(', ')
  throw new SiteError('not-yours', `expected a key of the site ${site}'s operators (${ids}), got none of them`, {
    hint: `Ask an operator of the fleet to give you the site: thymesh site delegate ${site} --operator CARD (thymesh key show).`,
  })
}

/** The error where a site's own release was asked for and there is none. */
export function noSiteRelease({ state }: Pick<ControllerPeer, 'state'>, site: string): HintedError {
  const sites = sitesOf(state.accepted?.trusted.targets)
  if (!sites.has(site)) return unknownSite(site, [...sites.keys()])
  return new HintedError('no-release', `the site ${site} has no release of its own yet`, {
    hint: `Make one with \`thymesh deploy --site ${site}\`. An operator of the fleet publishes it.`,
  })
}

/** Throws where a site's own release, which every peer of the fleet keeps whole, would be too large to be believed. */
export function requireSiteRelease(site: string, release: Release): void {
  const { extensions: _, ...document } = release
  const bytes = lengthOf(document)
  if (bytes <= limits.siteRelease) return
  const got = bytes === Number.POSITIVE_INFINITY ? `more than ${size(limits.release)}` : size(bytes)
  const devices = Object.keys(release.devices).length
  const message = `expected an own release of the site ${site} of at most ${size(limits.siteRelease)}, got ${got} for ${devices} devices`
  throw new SiteError('too-large', message, {
    hint:
      'Let devices share configs, or have an operator of the fleet release for them ' +
      `with \`thymesh deploy\`, whose releases are split where they are large, after \`thymesh site revoke ${site}\`.`,
  })
}

function lengthOf(release: Release): number {
  try {
    return releaseCodec.encode(release).length
  } catch (thrown) {
    if (thrown instanceof FormatError && thrown.code === 'too-large') return Number.POSITIVE_INFINITY
    throw thrown
  }
}

/** A site's next release, signed with what this operator has. */
export function makeSiteProposal(
  { trusted, release, fleet }: { trusted: TrustedSet; release: Release; fleet: string },
  site: string,
  content: ReleaseContent,
  { now, signers, trustClock }: Operator,
  operator = operatorName(),
): VerifiedProposal {
  if (trustClock !== true) requirePlausibleClock(trusted, release, now)
  requireLivingRoot(trusted, now)
  const mine = requireSiteSigners(trusted, site, signers)
  const [author] = mine
  requireSiteRelease(site, {
    ...content,
    v: 1,
    fleet,
    site,
    version: siteVersion(trusted, site) + 1,
    created: timeText(now),
  })
  const { bytes, metadata } = draftSiteRelease(trusted, fleet, site, content, now)
  const draft: Proposal = {
    v: 1,
    fleet,
    author: author.keyId,
    operator,
    created: timeText(now),
    message: content.message,
    site: { name: site, metadata: signMetadata('targets', metadata, []).bytes },
    documents: [bytes],
    statements: [],
  }
  const said = { fleet, operator, verdict: 'proposed' as const, at: timeText(now), message: content.message }
  return createProposal(draft, mine, id => makeStatement({ ...said, proposal: id }, author), trusted)
}
