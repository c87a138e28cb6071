/** The end of every command that makes a release: sign it, publish it or wait for the others' signatures, and watch it. */

import { inForce, newestOf } from '../../../node/state/releases.ts'
import type { VerifiedProposal } from '../../../protocol/trust/proposals.ts'
import type { ReleaseContent } from '../../../protocol/trust/publish.ts'
import { releaseName } from '../../format/release-name.ts'
import { voices } from '../../queries/proposals.ts'
import { spread, submitChange, submitSiteRelease } from '../../release/releasing.ts'
import { skewNote } from '../../release/skew.ts'
import type { Session } from '../../session/session.ts'
import { acceptedOf } from '../../signing/proposing.ts'
import { signaturesText } from '../../views/proposal.ts'
import { untilLeft } from '../shell/leaving.ts'
import { spreadMs, watchSeconds } from '../shell/limits.ts'
import type { WatchOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { watch } from '../shell/watch.ts'

export type ReleaseOptions = WatchOptions & { site?: string }

/** Names of the devices for which a release will count: nobody waits for those that a site's operators have taken over. */
export function devicesInForce(
  { peer }: Session,
  { devices, site }: Pick<ReleaseContent, 'devices'> & { site?: string | undefined },
): string[] {
  const next = { devices, ...(site !== undefined && { site }) }
  return Object.keys(inForce(next, peer.state.accepted, peer.directory.certificates()).devices)
}

/** Signs and publishes or proposes; then waits for the devices, and before that for approval. Gives the exit code. */
export async function release(session: Session, content: ReleaseContent, options: ReleaseOptions): Promise<number> {
  const { peer, home } = session
  const { site } = options
  const operator = {
    signers: await home.operatorKeys.signers(),
    now: new Date(),
    trustClock: options.trustClock === true,
  }
  const behind = skewNote(peer, content)
  if (behind !== undefined) note(options, behind)
  const outcome =
    site === undefined
      ? await submitChange(session, { content, message: content.message }, operator)
      : await submitSiteRelease(session, site, content, operator)
  if (outcome.kind === 'published') {
    const { site: of, restores, promotes } = outcome.release
    const called = (version: number) => releaseName({ site: of, version })
    const promoted = promotes && `: it promotes release ${called(promotes.release)}, ${openWaves(promotes.waves)}.`
    const what = restores === undefined ? (promoted ?? '.') : `: it restores release ${called(restores)}.`
    note(options, `Release ${releaseName(outcome.release)} is signed and published${what}`)
    return await watch(session, outcome.release, options)
  }
  const version = outcome.verified.release?.version ?? 0
  const name = releaseName({ site, version })
  note(
    options,
    outcome.verified.complete
      ? `Release ${name} has the signatures of its site. An operator of the fleet publishes it: thymesh approve ${name}`
      : `Release ${name} is proposed: ${signaturesText(outcome.verified)}. Other operators: thymesh approve ${name}`,
  )
  const approved = options.wait && (await approval(session, outcome.verified.id, version, options))
  const published = newestOf(peer.state.accepted, site)
  if (approved && published !== undefined && published.version === version) {
    note(options, `Release ${name} has all its signatures and is published.`)
    return await watch(session, published, options)
  }
  const heard = await spread(session, spreadMs)
  const { id } = outcome.verified
  const rest = heard
    ? 'Others have it; its closures come from here, so run `thymesh status` after the approval.'
    : 'No other peer has it yet.'
  print(
    options,
    { release: version, ...(site && { site }), proposal: id, complete: false, heard },
    `Release ${name} waits for approval. ${rest}`,
  )
  return options.wait ? exitCodes.incomplete : exitCodes.done
}

function openWaves(waves: number | undefined): string {
  return waves === undefined ? 'all waves are open' : `waves 1 to ${waves} are open`
}

/** Waits until a proposal is published, the time is over or the operator leaves; resolves to whether it is published. */
async function approval(session: Session, id: string, version: number, options: ReleaseOptions): Promise<boolean> {
  const { state, proposals } = session.peer
  const ended = Promise.withResolvers<boolean>()
  const look = () => {
    if ((newestOf(state.accepted, options.site)?.version ?? 0) >= version) ended.resolve(true)
  }
  const told = new Set<string>()
  const onProposal = (verified: VerifiedProposal) => {
    if (verified.id !== id) return
    for (const { verdict, operator, message } of voices(verified, acceptedOf(session.peer).trusted)) {
      const line = `  ${verdict} by ${operator}${message && `: ${message}`}`
      if (verdict !== 'proposed' && !told.has(line)) note(options, line)
      told.add(line)
    }
  }
  const timer = setTimeout(() => ended.resolve(false), (options.timeout ?? watchSeconds) * 1000)
  state.on('changed', look)
  proposals.on('changed', onProposal)
  try {
    look()
    return await untilLeft(left => {
      left.addEventListener('abort', () => ended.resolve(false), { once: true })
      return ended.promise
    })
  } finally {
    clearTimeout(timer)
    state.off('changed', look)
    proposals.off('changed', onProposal)
  }
}
