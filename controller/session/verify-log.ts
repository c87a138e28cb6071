/** Verifies the witnessed log of a device: its entries against the head that it has signed, and that head against all older ones. */

import type { DeviceLogs } from '../../node/peer/controller-peer.ts'
import type { LogHead } from '../../protocol/audit/log-head.ts'
import {
  type Frontier,
  frontierRanges,
  grown,
  isConsistent,
  leafHash,
  rootOfFrontier,
} from '../../protocol/audit/merkle.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { whileBusy } from './while-busy.ts'

export interface LogProblem {
  readonly kind: 'shrank' | 'forked' | 'entries'
  readonly message: string
  /** The signed head that the log contradicts. */
  readonly against: LogHead
}

export interface VerifiedLog {
  /** The oldest entry of these. */
  readonly from: number
  /** The roots of the complete subtrees before it. */
  readonly before: readonly Uint8Array[]
  readonly entries: readonly Uint8Array[]
  readonly problem: LogProblem | undefined
  /** How many older heads agree, and how many are too old to be proven. */
  readonly agree: number
  readonly tooOld: number
}

type Asked = Pick<DeviceLogs, 'entries' | 'proofs'>

/**
 * Takes the entries from one on, up to the newest signed head, out of a device that is connected. `heads` are all that were seen
 * of it, the newest report's among them. Throws what asking throws.
 */
export async function verifyLog(
  logs: Asked,
  peer: string,
  about: { head: LogHead; heads: readonly LogHead[]; from: number },
): Promise<VerifiedLog> {
  const { head, heads } = about
  const walked = await walk(logs, peer, about)
  const { from, before, entries, roots } = walked
  const done = (problem: LogProblem | undefined, agree = 0, tooOld = 0) => {
    return { from, before, entries, problem, agree, tooOld }
  }
  if (walked.problem !== undefined) return done(walked.problem)
  let [agree, tooOld] = [0, 0]
  const older: LogHead[] = []
  for (const each of heads) {
    if (each.size === head.size && equalBytes(each.root, head.root)) continue
    if (each.size > head.size) {
      const message = `its log has ${head.size} entries, and it has signed that it had ${each.size}`
      return done({ kind: 'shrank', message, against: each })
    }
    const root = each.size === head.size ? head.root : roots.get(each.size)
    if (root === undefined) older.push(each)
    else if (equalBytes(root, each.root)) agree++
    else return done(forked(each))
  }
  for (let at = 0; at < older.length; at += limits.auditProofs) {
    const asked = older.slice(at, at + limits.auditProofs)
    const of = asked.map(({ size }) => size)
    const { proofs } = await whileBusy(() => logs.proofs(peer, { of, to: head.size }))
    for (const [place, each] of asked.entries()) {
      const proof = proofs[place]
      // Every device can prove the newer ones: who doesn't hides something.
      const isOld = head.size - each.size > limits.auditProven
      if (isOld && !proof) tooOld++
      else if (proof && isConsistent(each, head, proof)) agree++
      else return done(forked(each))
    }
  }
  return done(undefined, agree, tooOld)
}

function forked(against: LogHead): LogProblem {
  const message = `its log is another one than that of which it has signed the first ${against.size} entries`
  return { kind: 'forked', message, against }
}

interface Walked extends Pick<VerifiedLog, 'from' | 'before' | 'entries' | 'problem'> {
  /** The root of the log at each size that was passed. */
  readonly roots: ReadonlyMap<number, Uint8Array>
}

/** Fetches entries a page at a time, and hashes them. */
async function walk(
  logs: Asked,
  peer: string,
  { head, heads, from }: { head: LogHead; heads: readonly LogHead[]; from: number },
): Promise<Walked> {
  const sizes = new Set(heads.map(({ size }) => size))
  const roots = new Map<number, Uint8Array>()
  const entries: Uint8Array[] = []
  let first: { from: number; before: readonly Uint8Array[] } | undefined
  let frontier: Frontier | undefined
  const ended = (kind?: LogProblem['kind'], message = '') => {
    const { from: start, before } = first ?? { from: head.size, before: [] }
    return { from: start, before, entries, roots, problem: kind && { kind, message, against: head } }
  }
  const note = ({ size, hashes }: Frontier) => {
    if (sizes.has(size)) roots.set(size, rootOfFrontier(hashes))
  }
  while (frontier === undefined || frontier.size < head.size) {
    const asked = { from: frontier?.size ?? from, to: head.size }
    const page = await whileBusy(() => logs.entries(peer, asked))
    if (page.size < head.size) {
      return ended('shrank', `its log has ${page.size} entries, and it has signed that it had ${head.size}`)
    }
    if (frontier === undefined) {
      const keepsBack = page.from > Math.max(from, head.size - limits.auditKept)
      const isNone = page.from < from || keepsBack || page.before.length !== frontierRanges(page.from).length
      if (isNone || page.from > head.size) return ended('entries', 'it gave other entries than those asked for')
      first = page
      frontier = { size: page.from, hashes: page.before }
      note(frontier)
    } else if (page.from !== frontier.size) {
      return ended('entries', `it dropped its entries before ${page.from} meanwhile, or keeps them back`)
    }
    if (page.entries.length === 0 && frontier.size < head.size) {
      return ended('entries', `it gave no entry ${frontier.size}`)
    }
    for (const entry of page.entries.slice(0, head.size - frontier.size)) {
      frontier = grown(frontier, leafHash(entry))
      entries.push(entry)
      note(frontier)
    }
  }
  if (equalBytes(rootOfFrontier(frontier.hashes), head.root)) return ended()
  return ended('entries', `its entries are not those whose head it has signed in its newest report`)
}
