/** `thymesh root`: the fleet's root, the next one, and signing it: with the mesh, or with a file where there is none. */

import { readFile, writeFile } from 'node:fs/promises'
import type { z } from 'zod'
import { fleetStateOf, openState } from '../../../node/state/peer-state.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { type RoleName, roleNames } from '../../../protocol/trust/fleet.ts'
import { verifyProposal, wantedSigners } from '../../../protocol/trust/proposals.ts'
import type { previewRootOptions, TrustChanged } from '../../api/schemas/trust-orders.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { cardLine, parseCard, requireFleet } from '../../keys/card.ts'
import { ownCard } from '../../keys/own-card.ts'
import { changedBy, filePrefix, fileText, proposalOf, rootChanges } from '../../orders/trust-change.ts'
import { openProject, type Project } from '../../project/project.ts'
import { rootDetails } from '../../queries/root.ts'
import { approve as addApproval, makeProposal, type Operator, requireAccepted } from '../../signing/proposing.ts'
import type { SignedState } from '../../signing/signed-changes.ts'
import { proposalText } from '../../views/proposal.ts'
import { rootText } from '../../views/root.ts'
import { askIfRunning, withAccess } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { keptMembers, tellMembers } from './kept-members.ts'

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
  const about = await changesOf(options, project)
  const { file } = options
  // Without a controller at work, a change for a file needs no mesh, and no membership either.
  if (file !== undefined && (await askIfRunning(project, 'root', {})) === undefined) {
    return await offline(project, async (accepted, home) => {
      const change = { root: rootChanges(about), message: about.message ?? '' }
      const verified = makeProposal({ ...accepted, fleet: project.fleet }, change, await operatorIn(home, options))
      note(options, proposalText(verified, accepted))
      if (!(await confirm(options, 'Sign it?'))) return exitCodes.failed
      await writeFile(file, `${fileText(verified)}\n`)
      return told(options, changedBy(verified), file)
    })
  }
  return await withAccess(options, async access => {
    const preview = await access.write('preview-root', about)
    note(options, preview.text)
    const publishes = file === undefined && preview.complete
    if (!(await confirm(options, publishes ? 'Sign and publish it?' : 'Sign it?'))) return exitCodes.failed
    const keep = file === undefined ? await keptMembers(access, preview, options) : []
    const { base } = preview
    const done = await access.order('change-root', { ...about, base, keep, publish: file === undefined })
    if (done === undefined) return exitCodes.done
    if (file !== undefined) await writeFile(file, `${done.proposal}\n`)
    else tellMembers(done, options)
    return told(options, done, file)
  })
}

type RootOptions = z.input<typeof previewRootOptions>

async function changesOf(options: RootProposeOptions, project: Project): Promise<RootOptions> {
  const { trustClock, message, remove, dropNixKey: dropNixKeys } = options
  const add = await Promise.all(options.add.map(cardLine))
  if (options.rotate) {
    const home = new FleetHome(project.fleet)
    const name = await home.operatorKeys.operator()
    if (name === undefined) {
      throw new HintedError('invalid-name', 'expected the name that your keys have in the fleet, found none', {
        hint: 'Make keys with a name: thymesh key new --rotate --operator NAME.',
      })
    }
    add.push(await ownCard(home.operatorKeys, project.fleet, name))
  }
  requireFleet(add.map(parseCard), project.fleet)
  const thresholds = Object.fromEntries(options.threshold.map(parseThreshold))
  const changes = { add, remove, thresholds, dropNixKeys }
  const isEmpty = Object.values(changes).every(each => Object.keys(each).length === 0)
  if (!isEmpty || options.renew) return { ...changes, message, trustClock }
  throw new HintedError('nothing-changes', 'expected a change of the root, got no option for one', {
    hint: 'Use --renew for a new expiry alone. `thymesh root propose --help` lists the other changes.',
  })
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
  const { file, message, trustClock } = options
  const isRunning = (await askIfRunning(project, 'root', {})) !== undefined
  const signed = isRunning ? undefined : await signOffline(project, options)
  if (signed === null) return exitCodes.failed
  if (signed !== undefined && (!signed.complete || options.offline)) return told(options, signed, file)
  return await withAccess(options, async access => {
    const proposal = (await readFile(file, 'utf8')).trim()
    if (signed === undefined) {
      requireProposal(file, proposal)
      const preview = await access.write('preview-proposal', { proposal })
      note(options, preview.text)
      const isSigned = !preview.wanted && preview.complete
      if (!isSigned && !(await confirm(options, 'Sign it?'))) return exitCodes.failed
    }
    const about = { proposal, message, trustClock, publish: !options.offline }
    const done = await access.order('sign-proposal', about)
    if (done === undefined) return exitCodes.done
    if (signed === undefined) await writeFile(file, `${done.proposal}\n`)
    return told(options, done, done.published ? undefined : file)
  })
}

/** Without a mesh and without a membership; null where the operator has said no. */
async function signOffline(project: Project, options: RootSignOptions): Promise<Told | null> {
  const { file } = options
  return await offline(project, async (accepted, home) => {
    const text = (await readFile(file, 'utf8')).trim()
    requireProposal(file, text)
    const verified = verifyProposal(proposalOf(text), accepted.trusted, project.fleet)
    note(options, proposalText(verified, accepted))
    const operator = await operatorIn(home, options)
    const mine = wantedSigners(verified, Object.values(operator.signers).flat())
    if (mine.length === 0 && verified.complete) return changedBy(verified)
    if (!(await confirm(options, 'Sign it?'))) return null
    const next = addApproval(verified, accepted.trusted, operator, options.message ?? '')
    await writeFile(file, `${fileText(next)}\n`)
    return changedBy(next)
  })
}

async function operatorIn(home: FleetHome, { trustClock }: { trustClock: boolean }): Promise<Operator> {
  return { signers: await home.operatorKeys.signers(), now: new Date(), trustClock }
}

type Told = Pick<TrustChanged, 'id' | 'root' | 'complete' | 'published' | 'heard' | 'missing' | 'title'> &
  Partial<Pick<TrustChanged, 'renewed' | 'cutOff'>>

function told(options: ProjectOptions, done: Told, file: string | undefined): number {
  const { id, root, complete, published, heard, missing, renewed = [], cutOff = [] } = done
  const title = done.title.replace(/^root/, 'Root')
  const how = published ? 'is published' : complete ? 'has all signatures' : `lacks ${missing}`
  const where =
    file === undefined ? '' : ` It is in ${file}: the next operator signs it with \`thymesh root sign --file\`.`
  const alone =
    file !== undefined || heard ? '' : ' No other peer has it yet: run `thymesh status` when one is in reach.'
  const members = file === undefined ? { renewed, cutOff } : {}
  const json = { id, root, complete, published, file: file ?? null, heard, ...members }
  print(options, json, `${title} ${how}.${where}${alone}`)
  return exitCodes.done
}

function requireProposal(file: string, text: string): void {
  if (text.startsWith(filePrefix)) return
  throw new HintedError('malformed', `expected a proposal (${filePrefix}…) in ${file}, got something else`, {
    hint: 'Another operator writes it: thymesh root propose --file FILE.',
  })
}
