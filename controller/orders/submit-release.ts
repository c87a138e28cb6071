/** The end of every order that makes a release: it is signed, then published, or proposed to the other operators. */

import { inForce, newestOf } from '../../node/state/releases.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import type { Submitted } from '../api/schemas/orders.ts'
import { releaseName } from '../format/release-name.ts'
import { keepAccess } from '../release/access.ts'
import { fitContent } from '../release/fit-release.ts'
import { submitChange, submitSiteRelease } from '../release/releasing.ts'
import { skewNotes } from '../release/skew.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { signaturesText } from '../views/proposal.ts'

export interface SubmitOptions {
  readonly site?: string | undefined
  readonly waitFor: readonly string[]
  readonly trustClock: boolean
}

/** Before an order's release is made, it waits so long for releases of other operators: peers on one network answer within it. */
export const newsSeconds = 2
export const noPeerYet = 'No peer is in reach yet.'

/** Throws when the release lacks a device to wait for: that wait would be over at once, or never. */
export function checkWaitFor(
  { peer }: Session,
  { site, waitFor }: Pick<SubmitOptions, 'site' | 'waitFor'>,
  devices: ReleaseContent['devices'],
): void {
  const next = { devices, ...(site !== undefined && { site }) }
  // Nobody waits for devices that a site's operators have taken over.
  const names = Object.keys(inForce(next, peer.state.accepted, peer.directory.certificates()).devices)
  const unknown = waitFor.find(name => !names.includes(name))
  if (unknown === undefined) return
  throw new HintedError('unknown-device', `--wait-for: expected a device of the release, got ${unknown}`, {
    hint: `Choose one of its devices: ${names.slice(0, 20).join(', ') || 'it has none'}.`,
  })
}

/** Makes the content, signs and submits it, while nothing else is signed here. */
export async function submitRelease(
  session: Session,
  make: () => Promise<ReleaseContent>,
  options: SubmitOptions,
  talk: Talk,
): Promise<Submitted> {
  const signers = await session.home.operatorKeys.signers()
  const outcome = await session.signing.run(async () => {
    talk.signal.throwIfAborted()
    const content = keepAccess(newestOf(session.peer.state.accepted, options.site), await make())
    checkWaitFor(session, options, content.devices)
    const operator = { signers, now: new Date(), trustClock: options.trustClock }
    const fitted = options.site === undefined ? await fitContent(session.peer, content, operator.now) : content
    for (const note of skewNotes(session.peer, content, fitted)) talk.note(note)
    return options.site === undefined
      ? await submitChange(session, { content: fitted, message: content.message }, operator)
      : await submitSiteRelease(session, options.site, content, operator)
  })
  if (outcome.kind === 'published') {
    talk.note(`Release ${releaseName(outcome.release)} is signed and published${becauseOf(outcome.release)}`)
    return submitted(outcome.release, { published: true, proposal: null })
  }
  const { verified: judged } = outcome
  const about = { version: judged.release?.version ?? 0, site: options.site }
  const name = releaseName(about)
  talk.note(
    judged.complete
      ? `Release ${name} has the signatures of its site. An operator of the fleet publishes it: thymesh approve ${name}`
      : `Release ${name} is proposed: ${signaturesText(judged)}. Other operators: thymesh approve ${name}`,
  )
  return submitted(about, { published: false, proposal: judged.id })
}

export function submitted(
  { version, site }: { version: number; site?: string | undefined },
  more: Pick<Submitted, 'published' | 'proposal'> & { same?: boolean },
): Submitted {
  return { release: version, ...(site !== undefined && { site }), same: false, ...more }
}

function becauseOf({ site, restores, promotes }: Release): string {
  const called = (version: number) => releaseName({ site, version })
  if (restores !== undefined) return `: it restores release ${called(restores)}.`
  if (promotes === undefined) return '.'
  const waves = promotes.waves === undefined ? 'all waves are open' : `waves 1 to ${promotes.waves} are open`
  return `: it promotes release ${called(promotes.release)}, ${waves}.`
}
