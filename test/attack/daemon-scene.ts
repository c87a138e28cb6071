/**
 * A victim that is the whole daemon: the process that runs on devices, with its state, its Nix store and its root in folders of
 * its own, in a fleet that `thymesh init` has founded. The effect of an attack is read from its disk and from the kernel.
 */

import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { OperatorKeys } from '../../controller/keys/operator-keys.ts'
import { passphrases } from '../../controller/keys/passphrase.ts'
import { Clock } from '../../node/state/clock.ts'
import { Database, type TableName } from '../../node/state/database.ts'
import { FleetState } from '../../node/state/fleet-state.ts'
import { OwnState } from '../../node/state/own-state.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { type Certificate, readCertificate } from '../../protocol/members/certificate.ts'
import { joinWithToken } from '../../protocol/members/join.ts'
import { type JoinToken, parseJoinToken } from '../../protocol/members/join-token.ts'
import type { Release } from '../../protocol/release/release.ts'
import { signEnvelope, signedKind } from '../../protocol/signing/dsse.ts'
import { type Signer, signerOf } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import type { Device } from '../e2e/helpers/device.ts'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { until } from '../e2e/helpers/processes.ts'
import { hello } from '../e2e/helpers/project.ts'
import { daysAfter, testSigner } from '../helpers/fleet.ts'
import { dump } from '../helpers/state.ts'
import type { Arena } from './arena.ts'
import type { Forging } from './forge.ts'
import { HostilePeer } from './hostile-peer.ts'

export class DaemonScene {
  static #shared: Promise<DaemonScene> | undefined
  readonly fleet: Fleet
  readonly device: Device
  readonly #token: JoinToken
  #pid: number | undefined
  #updates = 0

  private constructor(fleet: Fleet, device: Device, token: JoinToken) {
    this.fleet = fleet
    this.device = device
    this.#token = token
  }

  /** The one of this process, for attacks that run alone: founding a fleet takes longer than attacking it. */
  static shared(): Promise<DaemonScene> {
    DaemonScene.#shared ??= DaemonScene.#found()
    return DaemonScene.#shared
  }

  /** Ends its processes and removes its folders; a later attack founds another one. */
  static async end(): Promise<void> {
    const scene = await DaemonScene.#shared?.catch(() => undefined)
    DaemonScene.#shared = undefined
    await scene?.fleet.remove()
  }

  static async #found(): Promise<DaemonScene> {
    const fleet = await Fleet.prepare()
    try {
      await fleet.found()
      const device = await fleet.device('first')
      const token = await fleet.token('--bootstrap', device.address)
      device.start(token)
      const scene = new DaemonScene(fleet, device, parseJoinToken(token))
      scene.#pid = device.daemon.pid
      await scene.updates()
      return scene
    } catch (thrown) {
      await fleet.remove()
      throw thrown
    }
  }

  /** Where a hostile peer finds it. */
  get victim() {
    return { host: { getMultiaddrs: () => [multiaddr(this.device.address)] } }
  }

  /** A member that has joined with a leaked token. */
  hostile(arena: Arena, word = 'hostile'): Promise<HostilePeer> {
    const signer = testSigner(word)
    const [issued, expires] = [timeText(new Date()), timeText(daysAfter(new Date(), 30))]
    const certificate = joinWithToken(this.#token, signer, { name: word, role: 'device', issued, expires })
    return HostilePeer.of(arena.mesh, word, { fleet: this.#token.fleet, certify: () => certificate }, certificate)
  }

  /** A certificate by the leaked token with anything for a name. */
  joinedAs(signer: Signer, name: string): Uint8Array {
    const unchecked = signedKind<Certificate>('member certificate', z.custom<Certificate>())
    const { fleet, grant, seed } = this.#token
    const [issued, expires] = [timeText(new Date()), timeText(daysAfter(new Date(), 30))]
    const peer = peerIdOf(signer.publicKey)
    const certificate: Certificate = { v: 1, fleet, peer, name, role: 'device', issued, expires, grant }
    return signEnvelope(unchecked, certificate, signerOf(seed), signer)
  }

  /** The signing keys of the fleet, stolen, and what they have signed last. */
  async stolenKeys(): Promise<Forging> {
    const home = join(this.fleet.home, this.#token.fleet.slice(0, 16))
    const keys = await new OperatorKeys(join(home, 'keys'), passphrases.current).forRoles()
    return {
      fleet: this.#token.fleet,
      keys,
      published: { trusted: await this.trusted() },
      history: [],
      now: new Date(),
    }
  }

  /** The process is the one that was attacked. */
  alive(): void {
    assert.ok(this.device.daemon.running, 'the daemon has ended')
    assert.equal(this.device.daemon.pid, this.#pid)
  }

  /** The content of its state, by table and key. */
  state(...tables: TableName[]): Promise<string[]> {
    return onCopy(this.#state, database => dump(database, tables))
  }

  /** The releases that the device keeps, from its disk: the oldest first. */
  releases(): Promise<Release[]> {
    return onCopy(this.#state, async database => {
      const clock = await Clock.load(new OwnState(database), 'system')
      const state = await FleetState.load(this.#token.fleet, database, clock)
      const all = await Promise.all((await state.releaseVersions()).map(version => state.release(version)))
      return all.flatMap(release => release ?? [])
    })
  }

  /** The certificate of the attacked device. */
  certificate(): Promise<Certificate> {
    return onCopy(this.#state, async database => {
      for await (const [, envelope] of database.table('members').entries()) {
        const certificate = readCertificate(envelope)
        if (certificate.name === this.device.name) return certificate
      }
      throw new RangeError('expected the certificate of the device in its state')
    })
  }

  /** The metadata that the device trusts, from its disk. */
  trusted(): Promise<TrustedSet> {
    return onCopy(this.#state, async database => {
      const clock = await Clock.load(new OwnState(database), 'system')
      const { accepted } = await FleetState.load(this.#token.fleet, database, clock)
      assert.ok(accepted, 'nothing is accepted')
      return accepted.trusted
    })
  }

  /** Bytes that its staging holds of a closure, by the SHA-256 of its descriptor in hex. */
  async stagedBytes(closure: string): Promise<number> {
    const directory = join(this.#state, 'staging', closure)
    const names = await readdir(directory, { recursive: true }).catch(() => [])
    const files = await Promise.all(names.map(name => stat(join(directory, name))))
    return files.reduce((sum, file) => sum + (file.isFile() ? file.blocks * 512 : 0), 0)
  }

  /** Bytes of memory that the process takes, by the kernel. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  }

  /** An operator releases something new, and the device runs it. */
  async updates(): Promise<void> {
    const message = `update ${++this.#updates}`
    await this.fleet.commit(message, { 'configs/hello.json': hello(message) })
    await this.fleet.json('deploy', '-m', message, '--wait-for', 'first', '--timeout', '300')
    assert.equal(await this.device.etc('hello'), `${message}\n`)
    this.alive()
  }

  get #state(): string {
    return join(this.device.root, '..', 'state')
  }
}

/** Works on a copy of a state that another process has open: as after a power cut at this moment. */
async function onCopy<T>(directory: string, work: (database: Database) => Promise<T>): Promise<T> {
  return await until('a copy of the state', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'thymesh-copy-'))
    try {
      await cp(join(directory, 'db'), join(copy, 'db'), { recursive: true })
      const database = await Database.open(copy)
      try {
        return await work(database)
      } finally {
        await database.close()
      }
    } catch (thrown) {
      // A file that was compacted away while the others were copied.
      if (!(thrown instanceof Error && 'code' in thrown && ['ENOENT', 'unreadable'].includes(String(thrown.code))))
        throw thrown
      return undefined
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  })
}
