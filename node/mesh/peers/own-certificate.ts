/** This peer's own certificate: requests renewal in time, and adopts the certificate that a controller signs. */

import { EventEmitter } from 'node:events'
import { messageOf } from '../../../protocol/errors.ts'
import { type Certificate, overrides, readCertificate } from '../../../protocol/members/certificate.ts'
import type { Report } from '../../../protocol/report/report.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import type { Logger } from '../../process/log.ts'
import type { AgeIdentities } from '../../state/age-identities.ts'
import type { Clock } from '../../state/clock.ts'
import type { OwnState } from '../../state/own-state.ts'
import { renewalCheckMs } from '../limits.ts'

export interface OwnCertificateComponents {
  own: Pick<OwnState, 'setCertificate'>
  age: Pick<AgeIdentities, 'recipient' | 'rotate'>
  clock: Pick<Clock, 'reference'>
  log: Logger
}

interface Events {
  /** A new certificate is in force. */
  renewed: [Certificate]
  /** Renewal is due: the next report requests it. */
  due: []
}

/** The remaining fraction of a certificate's lifetime below which the peer requests a new one. */
const renewalPart = 1 / 3

export class OwnCertificate extends EventEmitter<Events> {
  readonly #components: OwnCertificateComponents
  #envelope: Uint8Array
  #certificate: Certificate
  #timer: NodeJS.Timeout | undefined
  readonly #checks = new SerialQueue()

  constructor(components: OwnCertificateComponents, envelope: Uint8Array) {
    super()
    this.#components = components
    this.#envelope = envelope
    this.#certificate = readCertificate(envelope)
  }

  get envelope(): Uint8Array {
    return this.#envelope
  }

  get certificate(): Certificate {
    return this.#certificate
  }

  /** The renewal request for reports; undefined while the certificate is good. */
  get renewal(): Report['renew'] {
    const { recipient } = this.#components.age
    // An age identity that no certificate names yet: created for renewal, or because the old one was lost.
    return this.#certificate.age === recipient ? undefined : { age: recipient }
  }

  start(): void {
    this.#timer = setInterval(() => void this.check(), renewalCheckMs)
    void this.check()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#checks.drain()
  }

  /**
   * Adopts a verified certificate of this peer that overrides the present one; it is on disk before anyone receives
   * it.
   */
  async adopt(envelope: Uint8Array): Promise<void> {
    const next = readCertificate(envelope)
    const before = { document: this.#certificate, envelope: this.#envelope }
    if (!overrides({ document: next, envelope }, before)) return
    await this.#components.own.setCertificate(envelope)
    this.#envelope = envelope
    this.#certificate = next
    this.#components.log.info({ name: next.name, expires: next.expires }, 'a controller has signed our certificate')
    this.emit('renewed', next)
    // The certificate may answer an older request or be late, so renewal may be due again.
    await this.check()
  }

  /** Requests renewal when a third of the lifetime is left, with a new age identity. Never rejects. */
  check(): Promise<void> {
    return this.#checks
      .run(() => this.#check())
      .catch(error => {
        this.#components.log.error({ reason: messageOf(error) }, 'a renewal could not be requested')
      })
  }

  async #check(): Promise<void> {
    const { age, clock } = this.#components
    const { issued, expires } = this.#certificate
    const end = Date.parse(expires)
    const left = end - clock.reference.getTime()
    if (left < (end - Date.parse(issued)) * renewalPart && this.renewal === undefined) await age.rotate(clock.reference)
    if (this.renewal !== undefined) this.emit('due')
  }
}
