/** What the orders about the life of a device share: who has a name, the project's entry, and what may be signed. */

import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import { releasesOf } from '../../node/state/releases.ts'
import { selectorsOf } from '../../protocol/alerts/selectors.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'
import { type OpenProject, readProject } from '../inputs/read-project.ts'
import { isNamed } from '../members/orphans.ts'
import { RevokeError } from '../members/revoke.ts'
import { ProjectEdit } from '../project/edit.ts'
import type { Session } from '../session/session.ts'
import { notAsked } from '../signing/proposing.ts'
import { committed } from './edit-project.ts'

/** Seconds within which hardware that has reported counts as alive, by the report's own time. */
const aliveSeconds = 900

export class LifeError extends HintedError<
  'unknown-device' | 'unknown-site' | 'ambiguous' | 'name-taken' | 'still-alive' | 'delegated'
> {}

const turns = new WeakMap<Session, SerialQueue>()

/** One order after the other: of two moves of one device, release and certificate must not say different ones. */
export async function inTurn<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const queue = turns.get(session) ?? new SerialQueue()
  turns.set(session, queue)
  return await queue.run(work)
}

/** The members who have a device's name: more than one, where another has joined under it. */
export function holdersOf({ peer }: Session, device: string): Certificate[] {
  return peer.directory.certificates().filter(({ name, role }) => name === device && role === 'device')
}

/** The one member of a name; nothing where none has joined. Throws a LifeError for several. */
export function holderOf(session: Session, device: string): Certificate | undefined {
  const [only, ...others] = holdersOf(session, device)
  if (others.length === 0) return only
  throw new LifeError('ambiguous', `expected one member named ${device}, got ${others.length + 1}`, {
    hint: 'Decide with `thymesh members` which one it is, and revoke the other by its peer ID: thymesh revoke PEER',
  })
}

/** Releases that name a device. */
export function releasesNaming({ peer }: { readonly peer: Pick<Session['peer'], 'state'> }, device: string): Release[] {
  return releasesOf(peer.state.accepted).filter(({ devices }) => Object.hasOwn(devices, device))
}

/**
 * Throws a LifeError where a member has the new name, or a release gives it to another device. A release that has it in place of
 * the old one is of the same order, which was cut off; `isSigned` where its certificate is, too.
 */
export function requireFree(
  session: { readonly peer: Pick<Session['peer'], 'directory' | 'state'> },
  { from, to, isSigned }: { from: string; to: string; isSigned: boolean },
): void {
  const isHeld = !isSigned && session.peer.directory.certificates().some(({ name }) => name === to)
  const isOther = releasesNaming(session, to).some(({ devices }) => Object.hasOwn(devices, from))
  if (!isHeld && !isOther) return
  throw new LifeError('name-taken', `expected a name that no member has, got ${to}`, {
    hint: 'Choose another one: `thymesh members` and `thymesh status` show all names.',
  })
}

/** The names of files that hold secrets on the devices of a device's config. */
export function secretsOf(session: Session, device: string): string[] {
  const names = releasesNaming(session, device).flatMap(({ devices, configs }) => {
    const config = devices[device]?.config
    return Object.keys((config !== undefined && configs[config]?.secrets) || {})
  })
  return [...new Set(names)].sort()
}

/** Whether the hardware is at work: connected to this controller, or it has just reported. */
export function isAlive({ peer }: Session, id: string, now: Date): boolean {
  if (peer.neighbours.members.some(member => member.peer === id)) return true
  const at = peer.directory.report(id)?.document.at
  return at !== undefined && Math.abs(now.getTime() - Date.parse(at)) < aliveSeconds * 1000
}

/** The operator's keys, where they are enough to sign certificates and revocations. Throws otherwise. */
export async function memberKeys({ peer, home }: Session): Promise<FleetKeys> {
  const authority = peer.state.accepted?.authority
  if (authority === undefined) throw notAsked()
  const keys = await home.keys()
  if (authority.threshold > 1) {
    throw new RevokeError('too-few-keys', `the members role needs ${authority.threshold} signatures, got 1`, {
      hint: 'Lower the threshold of the members role to 1: one operator decides on members alone.',
    })
  }
  if (!isNamed([keys.members], authority.keys)) throw notAsked()
  return keys
}

export interface Edited {
  readonly written: string[]
  readonly commit: string | null
  readonly commitError: string | null
}

/** Edits what the project says of a device, if it says anything. Nothing is written where anything would become wrong. */
export async function editEntry(
  session: Session,
  device: string,
  message: string | undefined,
  change: (edit: ProjectEdit, open: OpenProject) => Promise<void>,
): Promise<Edited> {
  const open = await readProject(session.directory)
  const { devices, alerts } = open.files
  const selectors = alerts?.content === undefined ? [] : selectorsOf(alerts.content)
  const isNamed = devices.has(device) || selectors.some(({ selector }) => selector.devices?.includes(device))
  if (!isNamed) return { written: [], commit: null, commitError: null }
  const edit = new ProjectEdit(open.project.directory)
  await change(edit, open)
  const written = await edit.apply(open.describe)
  const { commit, commitError } = await committed(edit.directory, written, message)
  return { written, commit, commitError: commitError?.message ?? null }
}
