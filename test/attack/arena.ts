/** Where an attack takes place: a fleet, a victim with real state on disk, hostile peers, and an honest one for afterwards. */

import assert from 'node:assert/strict'
import type { TableName } from '../../node/state/database.ts'
import type { TestFleet } from '../helpers/fleet.ts'
import { connect, liveFleet, Mesh, type PeerInit, type TestPeer } from '../helpers/mesh.ts'
import { dump } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'
import { timestampVersionOf } from './accepted.ts'
import { HostilePeer, type Offer } from './hostile-peer.ts'
import { LogLines } from './log-lines.ts'

/** Takes what must be undone at the end: a node:test context, or `scripts/attack`. */
export interface Ending {
  after(undo: () => Promise<void>): void
}

/** The victim: a real peer whose log can be waited for. */
export type Victim = TestPeer & { readonly log: LogLines }

/** The state that a peer acts on. */
const trustTables: readonly TableName[] = ['trust', 'documents', 'releases', 'release-extensions', 'own']

export class Arena {
  readonly ending: Ending
  readonly mesh: Mesh
  fleet: TestFleet = liveFleet()

  private constructor(ending: Ending, mesh: Mesh) {
    this.ending = ending
    this.mesh = mesh
  }

  static async of(ending: Ending): Promise<Arena> {
    return new Arena(ending, await Mesh.of(ending))
  }

  /** A victim that trusts the fleet's latest release, and by default dials nobody by itself. */
  async victim(init: Partial<PeerInit> = {}): Promise<Victim> {
    const log = new LogLines()
    const peer = await this.mesh.start({ word: 'victim', fleet: this.fleet, logger: log.logger, ...init })
    return Object.assign(peer, { log })
  }

  /** A hostile peer with a certificate of the fleet: a stolen device key. */
  hostile(word = 'hostile', certificate?: Uint8Array): Promise<HostilePeer> {
    return HostilePeer.of(this.mesh, word, this.fleet, certificate)
  }

  /** Hostile peers that joined with one token. */
  crowd(count: number): Promise<HostilePeer[]> {
    return HostilePeer.crowd(this.mesh, count, this.fleet)
  }

  /** An honest peer that trusts the fleet's latest release. */
  honest(init: Partial<PeerInit> = {}): Promise<TestPeer> {
    return this.mesh.start({ word: 'honest', fleet: this.fleet, ...init })
  }

  /**
   * A member tells the victim that it has news and hands them out. Resolves when the victim has asked for them and come to a
   * conclusion, whichever.
   */
  async offer(victim: Victim, offer: Offer, word = 'hostile'): Promise<HostilePeer> {
    const hostile = await this.hostile(word)
    await hostile.serve(offer)
    const { root, timestamp } = victim.state.versions
    const decided = () => victim.log.count(/metadata was not refreshed|new release is trusted/, hostile.id)
    // One that joins can't admit anyone before it has metadata: its verdict is not what matters here.
    await hostile.greet(victim, { root: root + 1, timestamp: timestamp + 1 })
    await until(() => decided() > 0, 'the victim to decide on the offer')
    return hostile
  }

  /** The victim refuses an offer for this reason, so that no slip of the attacker's stands in for the defence. */
  async refuses(victim: Victim, offer: Offer, because: RegExp): Promise<void> {
    await this.unmoved(victim, async () => {
      const { id } = await this.offer(victim, offer)
      const reasons = victim.log.lines.filter(({ peer }) => peer === id).map(({ reason }) => reason)
      assert.ok(victim.log.count(because, id) > 0, `expected a refusal like ${because}, got ${reasons.join('; ')}`)
    })
  }

  /** Until these members' certificates are on a peer's disk: what is compared later must not change by itself. */
  async kept(peer: TestPeer, ...members: string[]): Promise<void> {
    const isKept = async () => {
      const lines = await dump(peer.peerState.database, ['members'])
      return members.every(member => lines.some(line => line.includes(member)))
    }
    await until(isKept, 'certificates to be on disk')
  }

  /** The state that a victim acts on, from its disk. */
  trust(victim: TestPeer): Promise<string[]> {
    return dump(victim.peerState.database, trustTables)
  }

  /** Nothing that the victim acts on has changed, on its disk and in its memory; and honest news still reach it. */
  async unmoved(victim: Victim, act: () => Promise<unknown>): Promise<void> {
    const before = await this.trust(victim)
    const accepted = victim.state.accepted
    await act()
    assert.deepEqual(await this.trust(victim), before, 'the disk has changed')
    assert.equal(victim.state.accepted, accepted, 'another release is accepted')
    await this.goesOn(victim)
  }

  /** An honest peer comes with a newer release, and the victim takes it. */
  async goesOn(victim: Victim, content: Parameters<TestFleet['release']>[0] = {}): Promise<void> {
    const next = this.fleet.release({ message: 'honest news', ...content })
    const honest = await this.honest()
    await connect(honest, victim)
    await until(() => timestampVersionOf(victim) === next.trusted.timestamp?.signed.version, 'the honest news')
    assert.equal(victim.state.accepted?.release.message, 'honest news')
  }
}
