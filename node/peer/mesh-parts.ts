/** The parts of a peer that are loaded or made before it: trusted metadata, members, addresses, evidence, and the host. */

import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { type ProtocolNames, protocolNames } from '../../protocol/messages/messages.ts'
import { LogWitness } from '../audit/log-witness.ts'
import { SubjectBudgets } from '../concurrency/subject-budgets.ts'
import { Directory } from '../mesh/exchange/directory.ts'
import { dhtBudgets, scoredPeers } from '../mesh/limits.ts'
import { AddressBook } from '../mesh/peers/address-book.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import { CloneDetector } from '../mesh/peers/clone-detector.ts'
import { type ConnectionLimits, mostConnections } from '../mesh/peers/connection-places.ts'
import type { DialSupervisor } from '../mesh/peers/dial-supervisor.ts'
import type { OwnCertificate } from '../mesh/peers/own-certificate.ts'
import { PeerScore } from '../mesh/peers/peer-score.ts'
import { RefusedPeers } from '../mesh/peers/refused-peers.ts'
import { HubList } from '../mesh/relay/hub-list.ts'
import { type Host, makeHost, makeTransports, type Transports } from '../mesh/transport/host.ts'
import { type Logger, libp2pLogger } from '../process/log.ts'
import type { SiteUplinkBudget } from '../rollout/site-uplink.ts'
import type { Settings } from '../settings/settings.ts'
import { EvidenceBook } from '../state/evidence.ts'
import { FleetState } from '../state/fleet-state.ts'
import type { PeerState } from '../state/peer-state.ts'
import { loadUplink } from './load-uplink.ts'

/** What this version calls itself. */
export const agent = 'thymesh/0.1.0'

export interface Parts {
  readonly names: ProtocolNames
  readonly host: Host
  readonly transports: Transports
  readonly state: FleetState
  readonly directory: Directory
  readonly hubs: HubList
  readonly addresses: AddressBook
  readonly refused: RefusedPeers
  readonly evidence: EvidenceBook
  readonly clones: CloneDetector
  readonly peerScore: PeerScore
  readonly uplink: SiteUplinkBudget
}

/** Shorter waits, for tests. */
export interface MeshTiming {
  /** The silence after which connections are probed. */
  readonly keepAliveMs?: number
  readonly hubPingMs?: number
  /** How often news are told. */
  readonly newsMs?: number
  /** The largest fleet in which changes of reports are gossiped. */
  readonly gossipedMembers?: number
}

export interface PartsInit {
  readonly fleet: string
  /** Our own certificate's envelope. */
  readonly certificate: Uint8Array
  readonly settings: Settings
  readonly state: PeerState
  readonly log: Logger
  /** Whether all certificates and reports stay decoded in memory, for views of a whole fleet. */
  readonly keepsDocuments?: boolean
  /** Connections of members and of strangers; for tests. */
  readonly connections?: ConnectionLimits
  readonly timing?: MeshTiming
}

/** Of the peer that is made of them, what the host asks while it runs. */
export interface Made {
  readonly admission: Pick<Admission, 'drop' | 'subjectOf'>
  readonly supervisor: Pick<DialSupervisor, 'discovered'>
  readonly own: Pick<OwnCertificate, 'certificate'>
}

/** Loads the state and creates the host. Starts nothing. */
export async function loadParts(init: PartsInit, made: () => Made | undefined): Promise<Parts> {
  const { fleet, settings, log } = init
  const { clock, database, identity } = init.state
  const names = protocolNames(fleet)
  const state = await FleetState.load(fleet, database, clock)
  const authority = () => state.accepted?.authority
  const evidence = await EvidenceBook.load(database.table('evidence'), clock, log)
  const clones = new CloneDetector(evidence)
  const logWitness = new LogWitness({ evidence, table: database.table('headless-reports') })
  const witness: CloneDetector['report'] = async (known, next) => {
    await clones.report(known, next)
    await logWitness
      .report(known, next)
      .catch(thrown =>
        log.warn({ peer: next.document.peer, reason: messageOf(thrown) }, 'the head of a log was not compared'),
      )
  }
  const kept = init.keepsDocuments && { decoded: limits.members }
  const directory = await Directory.load({ fleet, clock, log, authority, witness, ...kept }, database)
  directory.on('forgotten', peer => void logWitness.forget(peer).catch(() => {}))
  const hubs = new HubList({ directory, state })
  const addresses = await AddressBook.load(database.table('addresses'), directory)
  const refused = new RefusedPeers()
  const dht = new SubjectBudgets({ ...dhtBudgets, subjects: scoredPeers })
  const peerScore = new PeerScore({ log, drop: peer => made()?.admission.drop(peer) })
  const transports = makeTransports(names, peer => hubs.has(peer), init.timing?.keepAliveMs)
  const host = await makeHost({
    seed: identity.seed,
    names,
    settings,
    agent,
    transports,
    maxConnections: mostConnections(init.connections),
    logger: libp2pLogger(log),
    denies: peer => refused.has(peer),
    score: peer => peerScore.score(peer),
    answersDht: peer => {
      const subject = made()?.admission.subjectOf(peer)
      return subject !== undefined && dht.take(subject)
    },
    discovered: (peer, found) => made()?.supervisor.discovered(peer, found),
  })
  const uplink = await loadUplink(init, { host, state, directory }, () => made()?.own.certificate)
  return { names, host, transports, state, directory, hubs, addresses, refused, evidence, clones, peerScore, uplink }
}
