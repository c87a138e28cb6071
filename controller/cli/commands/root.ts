/** `thymesh root`: the fleet's root, the next one, and signing it: with the mesh, or with a file where there is none. */

import { readFile, writeFile } from 'node:fs/promises'
import { fleetStateOf, openState } from '../../../node/state/peer-state.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { type RoleName, roleNames } from '../../../protocol/trust/fleet.ts'
import type { RootChanges } from '../../../protocol/trust/next-root.ts'
import { proposalCodec } from '../../../protocol/trust/proposal.ts'
import { type VerifiedProposal, verifyProposal, wantedSigners } from '../../../protocol/trust/proposals.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { type OperatorCard, parseCard, readCard, requireFleet } from '../../keys/card.ts'
import { ownCard } from '../../keys/own-card.ts'
import { openProject, type Project } from '../../project/project.ts'
import { rootDetails } from '../../queries/root.ts'
import { spread, submitProposal } from '../../release/releasing.ts'
import type { Session } from '../../session/session.ts'
import {
  acceptedOf,
  approve as addApproval,
  makeProposal,
  type Operator,
  requireAccepted,
  requireOnlyOne,
} from '../../signing/proposing.ts'
import type { SignedState } from '../../signing/signed-changes.ts'
import { proposalText, signaturesText, titleOf } from '../../views/proposal.ts'
import { rootText } from '../../views/root.ts'
import { askIfRunning } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { changeNewsSeconds, spreadMs } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { type Kept, keepMembers } from './kept-members.ts'

const filePrefix = 'thymesh-proposal-'

/** The state that this controller accepted last, without a mesh. */
export async function offline<T>(
  project: Project,
  work: (accepted: SignedState, home: FleetHome) => Promise<T>,
): Promise<T> {
  const home = new FleetHome(project.fleet)
  const state = await openState(await home.settings())
  try {
    const { accepted } = await fleetStateOf(state, project.fleet)
    return await work(requireAccepted(accepted), home)
  } finally {
    await state.database.close()
  }
}

export async function rootShow(options: ProjectOptions): Promise<undefined> {
  const project = await openProject(options.project)
  const running = await askIfRunning(project, 'root', {})
  const root = running ?? (await offline(project, async ({ trusted }) => rootDetails(trusted, project.fleet)))
  print(options, root, rootText(root))
  return undefined
}

export interface RootProposeOptions extends ProjectOptions {
  add: string[]
  remove: string[]
  /** Names, patterns or peer IDs of members that stay although a removed operator's key signed them. */
  keep: string[]
  threshold: string[]
  dropNixKey: string[]
  /** New keys of one's own, made with `thymesh key new --rotate`. */
  rotate: boolean
  renew: boolean
  message?: string
  file?: string
  yes: boolean
  trustClock: boolean
}

export async function rootPropose(options: RootProposeOptions): Promise<number> {
  const project = await openProject(options.project)
  const changes = await changesOf(options, project)
  const make = async (accepted: SignedState, home: FleetHome) => {
    const operator = await operatorIn(home, options)
    const change = { root: changes, message: options.message ?? '' }
    const verified = makeProposal({ ...accepted, fleet: project.fleet }, change, operator)
    note(options, proposalText(verified, accepted))
    return { verified, operator }
  }
  if (options.file !== undefined) {
    const { file } = options
    return await offline(project, async (accepted, home) => {
      const { verified } = await make(accepted, home)
      if (!(await confirm(options, 'Sign it?'))) return exitCodes.failed
      await writeProposal(file, verified)
      return told(options, verified, { published: false, file, heard: false })
    })
  }
  return await withSession(project, options, async session => {
    await takeNews(session, options, changeNewsSeconds, 'No peer is in reach yet.')
    const { verified, operator } = await make(acceptedOf(session.peer), session.home)
    requireOnlyOne(verified, session.peer.proposals.all, operator)
    if (!(await confirm(options, verified.complete ? 'Sign and publish it?' : 'Sign it?'))) return exitCodes.failed
    const members = await keepMembers(session, verified, options)
    return await conclude(session, verified, operator, options, members)
  })
}

async function changesOf(options: RootProposeOptions, project: Project): Promise<RootChanges> {
  const cards = await Promise.all(options.add.map(readCard))
  if (options.rotate) {
    const home = new FleetHome(project.fleet)
    const name = await home.operatorKeys.operator()
    if (name === undefined) {
      throw new HintedError('invalid-name', 'expected the name that your keys have in the fleet, found none', {
        hint: 'Make keys with a name: thymesh key new --rotate --operator NAME.',
      })
    }
    cards.push(parseCard(await ownCard(home.operatorKeys, project.fleet, name)))
  }
  requireFleet(cards, project.fleet)
  const thresholds = Object.fromEntries(options.threshold.map(parseThreshold))
  const changes = { add: cards.map(newOperator), remove: options.remove, thresholds, dropNixKeys: options.dropNixKey }
  const isEmpty = Object.values(changes).every(each => Object.keys(each).length === 0)
  if (!isEmpty || options.renew) return changes
  throw new HintedError('nothing-changes', 'expected a change of the root, got no option for one', {
    hint: 'Use --renew for a new expiry alone. `thymesh root propose --help` lists the other changes.',
  })
}

function newOperator({ name, nix, root, targets, snapshot, timestamp, members }: OperatorCard) {
  return { name, nix, keys: { root, targets, snapshot, timestamp, members } }
}

function parseThreshold(text: string): [RoleName, number] {
  const [, role, count] = /^(\w+)=(\d+)$/.exec(text) ?? []
  const name = roleNames.find(each => each === role)
  if (name === 'members' && Number(count) > 1) {
    throw new HintedError('threshold', `expected members=1, got ${text}`, {
      hint: 'Leave it at 1: certificates and join tokens have one signature of this role, so 2 would cut off every member.',
    })
  }
  if (name !== undefined && Number(count) >= 1) return [name, Number(count)]
  throw new HintedError('threshold', `--threshold: expected a role and a number such as targets=2, got ${text}`, {
    hint: `Choose one of the roles ${roleNames.join(', ')}.`,
  })
}

export interface RootSignOptions extends ProjectOptions {
  file: string
  message?: string
  offline: boolean
  yes: boolean
  trustClock: boolean
}

/** Signs a proposal in a file; publishes it, if it is complete then, unless that is for another machine to do. */
export async function rootSign(options: RootSignOptions): Promise<number> {
  const project = await openProject(options.project)
  const { file } = options
  const signed = await offline(project, async (accepted, home) => {
    const verified = verifyProposal(await readProposal(file), accepted.trusted, project.fleet)
    note(options, proposalText(verified, accepted))
    const operator = await operatorIn(home, options)
    const mine = wantedSigners(verified, Object.values(operator.signers).flat())
    if (mine.length === 0 && verified.complete) return verified
    if (!(await confirm(options, 'Sign it?'))) return undefined
    const next = addApproval(verified, accepted.trusted, operator, options.message ?? '')
    await writeProposal(file, next)
    return next
  })
  if (signed === undefined) return exitCodes.failed
  if (!signed.complete || options.offline) return told(options, signed, { published: false, file, heard: false })
  return await withSession(project, options, async session => {
    await takeNews(session, options, changeNewsSeconds)
    return await conclude(session, signed, await operatorIn(session.home, options), options)
  })
}

async function operatorIn(home: FleetHome, { trustClock }: { trustClock: boolean }): Promise<Operator> {
  return { signers: await home.operatorKeys.signers(), now: new Date(), trustClock }
}

async function conclude(
  session: Session,
  verified: VerifiedProposal,
  operator: Operator,
  options: ProjectOptions,
  members?: Kept,
): Promise<number> {
  const { kind } = await session.signing.run(() => submitProposal(session, verified, operator))
  const { accepted } = session.peer.state
  if (accepted !== undefined) await session.home.operatorKeys.noteTrusted(accepted.trusted)
  const heard = await spread(session, spreadMs)
  return told(options, verified, { published: kind === 'published', file: null, heard, ...members })
}

function told(
  options: ProjectOptions,
  verified: VerifiedProposal,
  outcome: { published: boolean; file: string | null; heard: boolean },
): number {
  const version = verified.parts.root?.signed.version ?? null
  const title = titleOf(verified).replace(/^root/, 'Root')
  const how = outcome.published
    ? 'is published'
    : verified.complete
      ? 'has all signatures'
      : `lacks ${signaturesText(verified)}`
  const where =
    outcome.file === null
      ? ''
      : ` It is in ${outcome.file}: the next operator signs it with \`thymesh root sign --file\`.`
  const alone =
    outcome.file !== null || outcome.heard
      ? ''
      : ' No other peer has it yet: run `thymesh status` when one is in reach.'
  print(
    options,
    { id: verified.id, root: version, complete: verified.complete, ...outcome },
    `${title} ${how}.${where}${alone}`,
  )
  return exitCodes.done
}

async function readProposal(file: string) {
  const text = (await readFile(file, 'utf8')).trim()
  if (!text.startsWith(filePrefix)) {
    throw new HintedError('malformed', `expected a proposal (${filePrefix}…) in ${file}, got something else`, {
      hint: 'Another operator writes it: thymesh root propose --file FILE.',
    })
  }
  return proposalCodec.decode(new Uint8Array(Buffer.from(text.slice(filePrefix.length), 'base64url')))
}

async function writeProposal(file: string, { proposal }: VerifiedProposal): Promise<void> {
  await writeFile(file, `${filePrefix}${Buffer.from(proposalCodec.encode(proposal)).toString('base64url')}\n`)
}
