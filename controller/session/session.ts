/** A controller at work: a mesh peer with the operator's keys, for as long as one command runs. */

import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { makeControllerPeer } from '../../node/peer/make-controller-peer.ts'
import { membershipOf } from '../../node/peer/membership.ts'
import type { LogLevel } from '../../node/process/log.ts'
import { makeLogger } from '../../node/process/log.ts'
import { openState } from '../../node/state/peer-state.ts'
import { messageOf } from '../../protocol/errors.ts'
import { AuditTrail } from '../fleet/audit-trail.ts'
import { ownCertificate } from '../fleet/certificate.ts'
import { FleetHome } from '../fleet/fleet-home.ts'
import { operatorName } from '../fleet/names.ts'
import { Registrar } from '../members/registrar.ts'
import { TokenBook } from '../members/token-book.ts'
import type { Project } from '../project/project.ts'

export interface Session {
  readonly peer: ControllerPeer
  readonly home: FleetHome
  /** The folder of the project. */
  readonly directory: string
  /** Countersigns and renews while the command runs. */
  readonly registrar: Registrar
  /** What signs and publishes metadata waits here for its turn: two at once would sign two documents of one version. */
  readonly signing: SerialQueue
  /** The record of signed metadata, for `thymesh log`. */
  readonly audit: AuditTrail
  stop(): Promise<void>
}

/** Starts the controller of a project's fleet. */
export async function startSession(project: Project, options: { log?: LogLevel } = {}): Promise<Session> {
  const home = new FleetHome(project.fleet)
  const settings = await home.settings()
  const log = makeLogger(options.log ?? settings.log)
  const state = await openState(settings)
  try {
    // A site's operator has no key of the members role: a join token lets the controller in.
    const joined = settings.join && (await membershipOf(state, settings))
    const init = {
      fleet: project.fleet,
      operator: (await home.operatorKeys.operator()) ?? operatorName(),
      // Asked for only when the certificate is written: a command that signs nothing needs no passphrase.
      members: () => home.operatorKeys.membersKeys(),
      keys: (await home.operatorKeys.needsAsking()) ? undefined : (await home.operatorKeys.files('members')).length,
      now: new Date(),
    }
    const certificate = joined?.envelope ?? (await ownCertificate(state, init))
    const bootstrap = [...new Set([...settings.bootstrap, ...project.bootstrap, ...(joined?.bootstrap ?? [])])]
    const peer = await makeControllerPeer({
      fleet: project.fleet,
      certificate,
      settings: { ...settings, bootstrap: bootstrap.filter(each => !settings.listen.includes(each)) },
      state,
      log,
    })
    const audit = await AuditTrail.open(peer.auditTable)
    audit.onFailure = error => log.warn({ reason: messageOf(error) }, 'the audit log was not written')
    await audit.follow(peer.state)
    peer.proposals.on('changed', verified => void audit.noteProposal(verified))
    peer.proposals.on('closed', verified => void audit.noteProposal(verified))
    await peer.start({ keeps: () => audit.documents() })
    if (peer.state.accepted !== undefined) await home.operatorKeys.noteTrusted(peer.state.accepted.trusted)
    const book = new TokenBook(home.directory)
    // A session doesn't ask a person for a passphrase only for what it signs by itself.
    const keys = async () =>
      (await home.operatorKeys.needsAsking()) ? undefined : await home.keys().catch(() => undefined)
    const signing = new SerialQueue()
    const registrar = new Registrar({
      ...{ peer, book, keys, signing, log },
      members: () => home.operatorKeys.membersKeys(),
    })
    registrar.start()
    const stop = async () => {
      await registrar.stop()
      await peer.stop().catch(error => log.warn({ reason: messageOf(error) }, 'the peer did not stop cleanly'))
      await audit.settled()
      await state.database.close()
    }
    return { peer, home, directory: project.directory, registrar, signing, audit, stop }
  } catch (thrown) {
    await state.database.close()
    throw thrown
  }
}
