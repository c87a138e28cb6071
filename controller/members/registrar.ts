/** Signs certificates while the controller is in the mesh: for devices that joined with a token or ask for renewal. */

import { EventEmitter } from 'node:events'
import { pause } from '../../node/concurrency/pause.ts'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Logger } from '../../node/process/log.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { tokenIdOfGrant } from '../../protocol/members/join-token.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'
import { type Decision, decide, type Reassigned, signedAnew } from './decide.ts'
import { revoke } from './revoke.ts'
import type { KnownToken, TokenBook } from './token-book.ts'

export interface RegistrarComponents {
  peer: ControllerPeer
  book: TokenBook
  /** The operator's keys; nothing where they can't be had without asking a person. */
  keys: () => Promise<FleetKeys | undefined>
  /** All their keys of the members role, old and new; by default the one among `keys`. */
  members?: () => Promise<readonly Signer[]>
  /** Where what signs metadata waits for its turn. */
  signing: SerialQueue
  log: Logger
}

interface Events {
  /** A certificate was signed, or left to a person. */
  decided: [Decision]
}

/** Certificates and reports come in crowds. */
const settleAfterMs = 200
/** How long the end of a command waits for its neighbours to take new certificates. */
const tellLimitMs = 3_000

export class Registrar extends EventEmitter<Events> {
  readonly #components: RegistrarComponents
  readonly #settleSoon = () => {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.settle()
    }, settleAfterMs)
  }
  readonly #held = new Set<string>()
  #untold = false
  #timer: NodeJS.Timeout | undefined
  readonly #work = new SerialQueue()

  constructor(components: RegistrarComponents) {
    super()
    this.#components = components
  }

  start(): void {
    const { directory } = this.#components.peer
    directory.on('certificate', this.#settleSoon)
    directory.on('report', this.#settleSoon)
    this.#settleSoon()
  }

  async stop(): Promise<void> {
    const { directory } = this.#components.peer
    directory.off('certificate', this.#settleSoon)
    directory.off('report', this.#settleSoon)
    clearTimeout(this.#timer)
    await this.#work.drain()
    // A command may end a moment after it has signed: gossip alone would be cut off.
    if (this.#untold) await pause(this.#components.peer.neighbours.sync(), tellLimitMs)
  }

  /** The decisions that are due now; none is carried out. */
  async decisions(): Promise<Decision[]> {
    const { peer, book } = this.#components
    const tokens = await book.all()
    return decide({
      certificates: peer.directory.certificates(),
      report: id => peer.directory.report(id)?.document,
      counted: new Map(tokens.map(({ id, peers }) => [id, new Set(peers)])),
      now: new Date(),
    })
  }

  /** Signs all certificates that need it; never rejects. */
  settle(): Promise<void> {
    return this.#work
      .run(() => this.#settle())
      .catch(error => {
        this.#components.log.warn({ reason: messageOf(error) }, 'certificates were not signed')
      })
  }

  /** Signs a new certificate for these members, whatever the rules say: a person has decided. */
  async sign(peers: readonly string[], keys: FleetKeys): Promise<void> {
    for (const id of peers) {
      const certificate = this.#components.peer.directory.certificate(id)?.document
      if (certificate === undefined) continue
      const kind = certificate.grant === undefined ? 'renew' : 'countersign'
      await this.#sign({ kind, certificate }, keys)
    }
  }

  /** Signs a certificate with another name and site for a member, in one queue with all that is signed by itself. */
  async reassign(id: string, to: Reassigned, keys: FleetKeys): Promise<void> {
    await this.#work.run(async () => {
      const certificate = this.#components.peer.directory.certificate(id)?.document
      if (certificate === undefined) return
      const kind = certificate.grant === undefined ? 'renew' : 'countersign'
      const token = certificate.grant && { token: tokenIdOfGrant(certificate.grant) }
      await this.#sign({ kind, certificate, ...token }, keys, to)
    })
  }

  async #settle(): Promise<void> {
    const decisions = await this.decisions()
    const toSign = decisions.filter(({ kind }) => kind !== 'hold')
    const excess = await this.#excess(decisions)
    if (toSign.length > 0 || excess.length > 0) {
      const keys = await this.#keys()
      for (const decision of keys ? toSign : []) await this.#sign(decision, keys as FleetKeys)
      if (keys !== undefined && excess.length > 0) await this.#revokeExcess(excess, keys)
    }
    for (const decision of decisions.filter(({ kind }) => kind === 'hold')) {
      if (this.#held.has(decision.certificate.peer)) continue
      this.#held.add(decision.certificate.peer)
      this.emit('decided', decision)
    }
  }

  /** The keys, if they are enough: one operator signs alone. */
  async #keys(): Promise<FleetKeys | undefined> {
    const authority = this.#components.peer.state.accepted?.authority
    if (authority === undefined || authority.threshold > 1) return undefined
    const keys = await this.#components.keys()
    const counts = authority.keys.some(key => keys && equalBytes(key, keys.members.publicKey))
    return counts ? keys : undefined
  }

  async #sign(decision: Decision, keys: FleetKeys, to?: Reassigned): Promise<void> {
    const { peer, book, log } = this.#components
    const { certificate } = decision
    const before = peer.directory.certificate(certificate.peer)
    const report = peer.directory.report(certificate.peer)?.document
    const members = (await this.#components.members?.()) ?? [keys.members]
    const envelope = signedAnew(certificate, { report, members, now: new Date(), ...(to && { to }) })
    if (decision.token !== undefined && before !== undefined) {
      await book.count(decision.token, before.envelope, certificate.peer)
    }
    await peer.publishCertificate(certificate.peer, envelope)
    this.#untold = true
    log.info({ peer: certificate.peer, name: certificate.name, kind: decision.kind }, 'a certificate was signed')
    this.emit('decided', decision)
  }

  async #excess(decisions: Decision[]): Promise<Decision[]> {
    const over = decisions.filter(({ reason }) => reason === 'over-limit')
    if (over.length === 0) return []
    const tokens = await this.#components.book.all()
    const revoking = (token: KnownToken) => token.excess === 'revoke'
    const ids = new Set(tokens.filter(revoking).map(({ id }) => id))
    return over.filter(({ token }) => token !== undefined && ids.has(token))
  }

  async #revokeExcess(excess: Decision[], keys: FleetKeys): Promise<void> {
    const revocations = excess.map(({ certificate: { peer, name } }) => ({
      kind: 'peer' as const,
      subject: peer,
      name,
      reason: 'its join token was used up',
    }))
    const { peer, signing } = this.#components
    await signing.run(() => revoke(peer, revocations, keys, new Date()))
  }
}
