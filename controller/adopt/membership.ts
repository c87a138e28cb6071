/** What the fleet and the project learn of an adopted machine: its token, its countersignature, its file, and their end. */

import { tokenIdOfGrant } from '../../protocol/members/join-token.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import { revoke } from '../members/revoke.ts'
import { makeJoinToken } from '../members/token.ts'
import { TokenBook } from '../members/token-book.ts'
import { ProjectEdit } from '../project/edit.ts'
import { addEntry, fileOf } from '../project/entries.ts'
import type { Project } from '../project/project.ts'
import type { Session } from '../session/session.ts'
import { requirePlausibleClock } from '../signing/clock.ts'
import { notAsked } from '../signing/proposing.ts'
import { AdoptError } from './adopt-error.ts'
import type { Facts } from './facts.ts'
import { provisionalDays, tokenDays } from './limits.ts'
import type { Plan } from './plan.ts'

/** As `thymesh token` has it. */
const certificateDays = 730

export class Membership {
  readonly #session: Session
  readonly #project: Project
  readonly #about: { readonly name: string; readonly site: string | null }
  #tokenId: string | undefined
  #written: string[] = []

  constructor(session: Session, project: Project, about: { name: string; site: string | null }) {
    this.#session = session
    this.#project = project
    this.#about = about
  }

  /** A token for this one device, and for an hour. */
  async token(facts: Facts): Promise<string> {
    const { home, peer } = this.#session
    const { members } = await home.keys()
    const now = new Date()
    const { accepted } = peer.state
    if (accepted !== undefined) requirePlausibleClock(accepted.trusted, accepted.release, now)
    if ((await home.operatorKeys.counts(members)) === false) throw notAsked()
    const { name, site } = this.#about
    const { token, envelope } = makeJoinToken(
      {
        ...{ fleet: peer.fleet, names: name, uses: 1, days: tokenDays, provisionalDays, certificateDays },
        ...(site !== null && { site }),
        bootstrap: await this.#bootstrap(facts),
      },
      await home.operatorKeys.membersKeys(),
      now,
    )
    this.#tokenId = await new TokenBook(home.directory).add(envelope, 'flag')
    return token
  }

  /** The project's; where it has none, this controller, at the address that ssh came from. */
  async #bootstrap({ client }: Facts): Promise<string[]> {
    // None that only this machine can use, such as fe80::1%eth0.
    const isUsable = /^[0-9.]+$|^(?!fe80)[0-9a-f:]+$/.test(client)
    if (this.#project.bootstrap.length > 0 || !isUsable) return [...this.#project.bootstrap]
    const { listen } = await this.#session.home.settings()
    const ports = listen.flatMap(address => /^\/ip[46]\/[^/]+\/tcp\/([1-9]\d*)$/.exec(address)?.[1] ?? [])
    const port = ports[0]
    return port === undefined ? [] : [`/${client.includes(':') ? 'ip6' : 'ip4'}/${client}/tcp/${port}`]
  }

  /** Signs the device's certificate, unless that was done meanwhile. Throws an AdoptError where the signature does not count. */
  async countersign(peer: string): Promise<void> {
    const { directory, neighbours } = this.#session.peer
    const isProvisional = () => directory.certificate(peer)?.document.grant !== undefined
    if (!(await this.#isAdopted(peer))) {
      const name = directory.certificate(peer)?.document.name
      throw new AdoptError(
        'not-countersigned',
        `the machine says that it is ${name ?? 'a peer'}, which joined otherwise`,
        {
          hint: 'Do not trust it before you know why: take the adoption back with --undo.',
        },
      )
    }
    if (isProvisional()) await this.#session.registrar.sign([peer], await this.#session.home.keys())
    const certificate = directory.certificate(peer)?.document
    if (certificate === undefined || certificate.grant !== undefined) {
      throw new AdoptError('not-countersigned', `the certificate of ${this.#about.name} was not signed`, {
        hint: '`thymesh members` shows why; then sign it: thymesh members renew NAME.',
      })
    }
    await neighbours.sync(peer)
  }

  /**
   * Whether a peer joined by a token of an adoption, under this name. The machine itself says who it is: without this, a hostile
   * one could have another member signed or revoked.
   */
  async #isAdopted(peer: string): Promise<boolean> {
    const { home, peer: own } = this.#session
    const certificate = own.directory.certificate(peer)?.document
    if (certificate === undefined || certificate.name !== this.#about.name) return false
    const id = certificate.grant === undefined ? certificate.token : tokenIdOfGrant(certificate.grant)
    const token = (await new TokenBook(home.directory).all()).find(each => each.id === id)
    return token?.grant.uses === 1 && token.grant.names === this.#about.name
  }

  /** The device's file in the project, where there is none; gives the files that were written. */
  async declare({ name, config, site, tags, declares }: Plan): Promise<string[]> {
    const edit = new ProjectEdit(this.#project.directory)
    if (!declares || (await edit.read(fileOf('devices', name))) !== undefined) return []
    await addEntry(edit, 'devices', name, {
      config,
      ...(site !== null && { site }),
      ...(tags.length > 0 && { tags }),
    })
    this.#written = await edit.apply(await describeOptions(this.#project))
    return this.#written
  }

  /** Ends the membership of a machine whose adoption was undone: by its peer ID, or by the token that nobody has used. */
  async forget(peer: string): Promise<void> {
    const { peer: own, home, signing } = this.#session
    const reason = 'its adoption was undone'
    const isKnown = await this.#isAdopted(peer)
    const about = { name: this.#about.name, reason }
    const revocation = isKnown
      ? { kind: 'peer' as const, subject: peer, ...about }
      : this.#tokenId && { kind: 'token' as const, subject: this.#tokenId, reason }
    if (this.#written.length > 0) {
      const edit = new ProjectEdit(this.#project.directory)
      for (const file of this.#written) await edit.remove(file)
      await edit.save()
    }
    if (!revocation) return
    const keys = await home.keys()
    await signing.run(() => revoke(own, [revocation], keys, new Date()))
  }
}
