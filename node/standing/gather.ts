/** Gathers the facts about one device from what a peer has: metadata, certificates, reports and its connections. */

import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { HintedError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Member } from '../../protocol/members/certificate.ts'
import { type Release, type WantedConfig, wantedConfig } from '../../protocol/release/release.ts'
import { uplinkOf } from '../../protocol/release/site-uplinks.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import { awaitsReboot } from '../../protocol/report/awaiting-reboot.ts'
import type { ListedMember } from '../../protocol/report/gist.ts'
import { speaksOf } from '../../protocol/report/outcome.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { WayView } from '../mesh/relay/network-view.ts'
import { evaluateWaves } from '../rollout/evaluate-waves.ts'
import { newsOf } from '../rollout/news.ts'
import { uplinkUse } from '../rollout/site-uplink.ts'
import { windowState } from '../rollout/windows.ts'
import type { AcceptedState } from '../state/fleet-state.ts'
import { followed, inForce, releasesOf } from '../state/releases.ts'
import type { Closures } from '../swarm/chunks/closures.ts'
import { newChunkBytes } from '../swarm/chunks/new-chunks.ts'
import { type DeviceFacts, namedHolders } from './facts.ts'

export class StandingError extends HintedError<'unknown-device'> {}

/** What is asked of a peer. */
export interface StandingPeer {
  readonly own: Pick<Member, 'name' | 'role' | 'peer'>
  readonly accepted: AcceptedState | undefined
  readonly members: readonly ListedMember[]
  readonly report: (peer: string) => Report | undefined
  /** Whether a certificate makes its holder a member now. */
  readonly isMember: (peer: string) => boolean
  /** Peer IDs of the connected members. */
  readonly connected: readonly string[]
  /** The way of the connection to a member. */
  readonly wayTo: (peer: string) => WayView | undefined
  readonly closures: Pick<Closures, 'held'>
  /** The descriptors of released top levels, by SHA-256. */
  readonly descriptorOf: (topLevel: string) => Promise<Uint8Array | undefined>
  readonly hasEquivocation: (site: string | undefined) => boolean
  /** The time; undefined without a live clock. */
  readonly now: Date | undefined
}

/** Throws a StandingError if neither a release nor a certificate names the device. */
export async function gatherFacts(peer: StandingPeer, device: string): Promise<DeviceFacts> {
  const { accepted, own, now, members } = peer
  const named = members.filter(({ role, name }) => role === 'device' && name === device)
  const [member] = named.toSorted((a, b) => (a.issued < b.issued ? 1 : -1))
  const releases = releasesOf(accepted)
  const site = member?.site ?? releases.find(({ devices }) => Object.hasOwn(devices, device))?.site
  const release = followed(accepted, { name: device, site })
  const wanted = release && wantedConfig(release, device)
  const note = accepted?.revocations.notes?.findLast(({ name }) => name === device)
  if (member === undefined && wanted === undefined && note === undefined) throw unknown(device, peer)
  const report = member && peer.report(member.peer)
  return {
    device,
    asked: { name: own.name, role: own.role },
    now: now === undefined ? null : timeText(now),
    release:
      release === undefined
        ? null
        : {
            version: release.version,
            site: release.site ?? null,
            created: release.created,
            message: release.message,
            wanted: wanted ? { config: wanted.name, topLevel: wanted.topLevel, narSize: wanted.narSize } : null,
          },
    member: member === undefined ? null : memberFacts(peer, member, named.length - 1),
    revoked: note === undefined ? null : { at: note.at, reason: note.reason ?? null },
    report: report === undefined ? null : reportFacts(report, release),
    connected: member !== undefined && (member.peer === own.peer || peer.connected.includes(member.peer)),
    way: (member && peer.wayTo(member.peer)) ?? null,
    neighbours: peer.connected.length,
    wave: release === undefined || wanted === undefined ? null : waveFacts(peer, release, device),
    window: wanted === undefined ? null : windowFacts(wanted, report, now),
    holders: wanted === undefined ? { names: [], count: 0 } : holdersOf(peer, wanted.topLevel, member?.peer),
    newBytes: wanted === undefined ? null : await newBytes(peer, wanted.topLevel, hashOfCid(wanted.closure), report),
    uplink: release === undefined ? null : uplinkFacts(peer, release, site),
    equivocation: peer.hasEquivocation(member?.site),
  }
}

function memberFacts(
  { isMember, now }: StandingPeer,
  { peer, site, expires, grant }: Member,
  others: number,
): DeviceFacts['member'] {
  const hasEnded = now !== undefined && now >= new Date(expires)
  return { peer, site: site ?? null, expires, valid: isMember(peer), hasEnded, byToken: grant !== undefined, others }
}

function reportFacts(report: Report, release: Release | undefined): DeviceFacts['report'] {
  const { at, state, site, running, boots, attempts, freshness, health, turn, update, error } = report
  return {
    ...{ at: at ?? null, state, site: site ?? null, release: report.release ?? null, wanted: report.wanted ?? null },
    ...{ running: running ?? null, boots: boots ?? null, attempts: attempts ?? null, freshness },
    ...{ health: health ?? null, turn: turn ?? null, update: update ?? null, error: error ?? null },
    awaitsReboot: awaitsReboot(report) ?? null,
    knowsRelease: release !== undefined && speaksOf(report, release),
  }
}

/** As the peer's reports say: no memory of its own, so a soak may seem longer than the device itself knows. */
function waveFacts(peer: StandingPeer, whole: Release, device: string): DeviceFacts['wave'] {
  const { accepted, members, now } = peer
  const release = inForce(whole, accepted, members)
  const waves = wavesOf(release)
  const own = waves.find(({ devices }) => devices.includes(device))
  if (own === undefined || release.rollout === undefined) return null
  const promoted = release.promotes === undefined ? 0 : (release.promotes.waves ?? waves.length)
  const reports = new Map(members.map(member => [member.peer, member.report]))
  const news = newsOf(release, members, id => ({ report: reports.get(id) }))
  const sequence = { waves, key: '', promoted, created: new Date(release.created) }
  const { decision } = evaluateWaves(sequence, device, news, { steady: 0, ...(now && { clock: now }) }, {})
  return {
    number: own.number,
    of: waves.length,
    is: decision.is,
    reason: decision.reason.slice(0, limits.turnReason),
  }
}

function windowFacts(
  { policy, reboot }: WantedConfig,
  report: Report | undefined,
  now: Date | undefined,
): DeviceFacts['window'] {
  const forReboots = report !== undefined && awaitsReboot(report) !== undefined ? reboot?.windows : undefined
  const state = windowState(forReboots ?? policy?.windows ?? [], now)
  if (state.open) return null
  return {
    of: forReboots === undefined ? 'updates' : 'reboots',
    opens: state.opensAt === undefined ? null : timeText(state.opensAt),
  }
}

function uplinkFacts(
  { members, report, now }: StandingPeer,
  release: Release,
  site: string | undefined,
): DeviceFacts['uplink'] {
  const uplink = uplinkOf(release, site)
  if (uplink === undefined || now === undefined) return null
  const { spent, open, opensAt } = uplinkUse(
    uplink,
    members.filter(each => each.site === site).map(({ peer }) => report(peer)),
    now,
  )
  return {
    bytesPerDay: uplink.bytesPerDay ?? null,
    spent,
    open,
    opens: opensAt === undefined ? null : timeText(opensAt),
  }
}

function holdersOf({ members }: StandingPeer, topLevel: string, self: string | undefined) {
  const names = members
    .filter(({ role, peer, report }) => role === 'device' && peer !== self && report?.running === topLevel)
    .map(({ name }) => name)
    .sort()
  return { names: names.slice(0, namedHolders), count: names.length }
}

async function newBytes(
  { closures, descriptorOf }: StandingPeer,
  topLevel: string,
  descriptor: Uint8Array,
  report: Report | undefined,
): Promise<number | null> {
  if (report?.running === topLevel) return 0
  const base = report?.running === undefined ? undefined : await descriptorOf(report.running)
  const wanted = await closures.held(descriptor)
  const known = base && (await closures.held(base))
  return wanted === undefined || known === undefined ? null : newChunkBytes([wanted], [known])
}

function unknown(device: string, { members, accepted }: StandingPeer): StandingError {
  const devices = members.filter(({ role }) => role === 'device').map(({ name }) => name)
  const declared = releasesOf(accepted).flatMap(({ devices }) => Object.keys(devices))
  const names = [...new Set([...devices, ...declared])].sort()
  return new StandingError('unknown-device', `expected a device of the fleet, got ${device}`, {
    hint: `Known devices: ${names.slice(0, 20).join(', ') || 'none'}.`,
  })
}
