/** The answer of `thymesh audit`: asks a device or a controller for its witnessed log, and holds that against all that it has signed. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { logEntryCodec } from '../../protocol/audit/log-entry.ts'
import { checkpointOf, isSignedHead, type LogHead, verifierKeyOf } from '../../protocol/audit/log-head.ts'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import { HintedError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { logHeadIn } from '../../protocol/report/witnessed-log.ts'
import type { DeviceAudit } from '../api/schemas/audit.ts'
import { deviceNamed, reach } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { verifyLog } from '../session/verify-log.ts'

export interface AuditOptions {
  /** The device's name. */
  readonly device: string
  /** So many entries at most are shown, the newest. */
  readonly lines: number
  /** Checks all entries that the device keeps, not only those that are shown. */
  readonly verify: boolean
  /** Gives entries and hashes as they are, all of them. */
  readonly bytes: boolean
  /** Seconds to try to reach the device. */
  readonly wait: number
}

export async function queryAudit({ peer }: Session, options: AuditOptions): Promise<DeviceAudit> {
  const device = memberNamed(peer, options.device)
  const isOwn = device.peer === peer.peerId
  // The heads before the report: one that comes meanwhile has a larger head than they, never a smaller one.
  if (!isOwn) await reach(peer, device, options.wait * 1000)
  const heads = await peer.deviceLogs.heads(device.peer)
  const report = peer.directory.report(device.peer)?.document
  const head = isOwn ? await peer.ownLog.head() : report && logHeadIn(report)
  if (head === undefined && device.role === 'controller') {
    throw new HintedError('no-log', `no signed head of the log of the controller ${options.device} is here`, {
      hint: isOwn
        ? 'Nothing was ordered here yet.'
        : 'Controllers say it in reports, which only `thymesh serve --alerts` writes. On its own machine `thymesh audit` shows it.',
    })
  }
  if (head === undefined || !isSignedHead(peer.fleet, device.peer, head)) {
    throw new HintedError('no-log', `the newest report of ${options.device} has no signed head of a witnessed log`, {
      hint: 'Its version may keep none: update the device. Or its log is damaged, which its journal says: thymesh logs NAME --unit thymesh.',
    })
  }
  const isAll = options.verify || options.bytes
  // No device keeps more: one that says so must not fill the memory here.
  const from = Math.max(0, head.size - (isAll ? limits.auditShown : options.lines))
  const log = await verifyLog(peer.deviceLogs, device.peer, { head, heads, from })
  const { problem } = log
  if (problem !== undefined) await accuse(peer, device.peer, [problem.against, head])
  const entries = log.entries.map((bytes, at) => shown(log.from + at, bytes, options.bytes))
  return {
    ...{ device: options.device, peer: device.peer, size: head.size, root: toHex(head.root) },
    reported: report?.at ?? null,
    verified: problem === undefined,
    problem: problem === undefined ? null : { kind: problem.kind, message: problem.message },
    from: log.from,
    heads: { agree: log.agree, tooOld: log.tooOld },
    entries: options.bytes ? entries : entries.slice(-options.lines),
    ...(options.bytes && {
      proof: {
        checkpoint: checkpointOf(peer.fleet, device.peer, head),
        key: verifierKeyOf(peer.fleet, device.peer),
        before: log.before.map(base64),
      },
    }),
  }
}

/** A device, else a controller of this name; of several controllers the own one. Throws a ReachError. */
function memberNamed(peer: ControllerPeer, name: string): Certificate {
  const named = peer.directory.certificates().filter(each => each.name === name)
  const controllers = named.filter(({ role }) => role === 'controller')
  const found = controllers.find(each => each.peer === peer.peerId) ?? controllers[0]
  return found !== undefined && named.every(({ role }) => role !== 'device') ? found : deviceNamed(peer, name)
}

/** Keeps the signed heads that the device's log contradicts, each once. */
async function accuse({ deviceLogs, fleet }: ControllerPeer, device: string, heads: readonly LogHead[]): Promise<void> {
  const notes = new Set(heads.map(head => checkpointOf(fleet, device, head)))
  await deviceLogs.accuse(
    device,
    [...notes].map(note => Buffer.from(note)),
  )
}

function shown(index: number, bytes: Uint8Array, withBytes: boolean): DeviceAudit['entries'][number] {
  const raw = withBytes ? { bytes: base64(bytes) } : {}
  try {
    const { at, what, about } = logEntryCodec.decode(bytes)
    return { index, at: at ?? null, what, about, ...raw }
  } catch (thrown) {
    if (!(thrown instanceof FormatError)) throw thrown
    // Of a later version.
    return { index, at: null, what: 'unreadable', about: {}, ...raw }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
