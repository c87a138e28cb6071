/** `thymesh site`: sites with operators of their own. */

import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { keyIdOf } from '../../../protocol/signing/keys.ts'
import { type Sites, sitesOf } from '../../../protocol/trust/sites.ts'
import type { TrustedSet } from '../../../protocol/trust/trusted-set.ts'
import { readCard, requireFleet } from '../../keys/card.ts'
import { openProject } from '../../project/project.ts'
import { spread, submitProposal } from '../../release/releasing.ts'
import type { Session } from '../../session/session.ts'
import { acceptedOf, type Change, makeProposal, requireOnlyOne } from '../../signing/proposing.ts'
import { delegateSite, revokeSite } from '../../signing/sites.ts'
import { proposalText, signaturesText } from '../../views/proposal.ts'
import { show } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { changeNewsSeconds, spreadMs } from '../shell/limits.ts'
import type { ProjectOptions, ReadOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

export interface SiteChangeOptions extends ProjectOptions {
  site: string
  message?: string
  yes: boolean
  trustClock: boolean
}

export interface SiteDelegateOptions extends SiteChangeOptions {
  operator: string[]
  threshold: number
}

export async function siteDelegate(options: SiteDelegateOptions): Promise<number> {
  const { fleet } = await openProject(options.project)
  const site = checkedSite(options.site)
  if (options.operator.length === 0) {
    throw new HintedError('no-operators', `--operator: expected the card of an operator of ${site}, got none`, {
      hint: 'Ask each operator for the card that `thymesh key show` prints.',
    })
  }
  const cards = await Promise.all(options.operator.map(readCard))
  const unique = [...new Map(cards.map(card => [keyIdOf(card.targets), card])).values()]
  requireFleet(unique, fleet)
  return await change(options, trusted => delegateSite(trusted, site, unique, options.threshold))
}

export async function siteRevoke(options: SiteChangeOptions): Promise<number> {
  return await change(options, trusted => revokeSite(trusted, options.site))
}

function checkedSite(given: string): string {
  const parsed = nameSchema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new HintedError('invalid-name', `the site: ${parsed.error.issues[0]?.message}, got ${JSON.stringify(given)}`, {
    hint: 'Use the name in the certificates of its devices: `thymesh members` shows it.',
  })
}

/** A new root, for the Nix keys, and new targets, for the delegation: published at once, or proposed. */
async function change(options: SiteChangeOptions, make: (trusted: TrustedSet) => Change): Promise<number> {
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    await takeNews(session, options, changeNewsSeconds, 'No peer is in reach yet.')
    const { peer, home } = session
    const accepted = acceptedOf(peer)
    const made = make(accepted.trusted)
    const operator = { signers: await home.operatorKeys.signers(), now: new Date(), trustClock: options.trustClock }
    const about = { ...made, message: options.message ?? made.message }
    const verified = makeProposal({ ...accepted, fleet: project.fleet }, about, operator)
    note(options, proposalText(verified, accepted))
    for (const line of wordsOn(options.site, session, sitesOf(verified.parts.targets))) note(options, line)
    requireOnlyOne(verified, peer.proposals.all, operator)
    if (!(await confirm(options, verified.complete ? 'Sign and publish it?' : 'Sign it?'))) return exitCodes.failed
    const { kind } = await session.signing.run(() => submitProposal(session, verified, operator))
    const published = kind === 'published'
    await home.operatorKeys.noteTrusted(acceptedOf(peer).trusted)
    const heard = await spread(session, spreadMs)
    const how = published ? 'is published' : `is proposed: ${signaturesText(verified)}`
    const alone = heard ? '' : ' No other peer has it yet: run `thymesh status` when one is in reach.'
    print(
      options,
      { id: verified.id, site: options.site, published, heard },
      `The change of ${options.site} ${how}.${alone}`,
    )
    return exitCodes.done
  })
}

/** Warnings before a site is delegated: possible typing errors, and consequences that an operator should know. */
function wordsOn(site: string, { peer }: Session, after: Sites): string[] {
  const devices = peer.directory.certificates().filter(({ role }) => role === 'device')
  const there = devices.filter(device => device.site === site)
  if (there.length > 0) {
    const names = there.map(({ name }) => name).sort()
    const rest = names.length > 10 ? ` and ${names.length - 10} more` : ''
    return [`  Devices there now: ${names.slice(0, 10).join(', ')}${rest}`]
  }
  if (!after.has(site)) return []
  const known = [...new Set(devices.flatMap(device => device.site ?? []))].sort()
  return [
    `  Note: no device that is known here has the site ${site} in its certificate. Sites that are: ${known.join(', ') || 'none'}.`,
  ]
}

export async function siteList(options: ReadOptions): Promise<undefined> {
  return await show('sites', options, {})
}
