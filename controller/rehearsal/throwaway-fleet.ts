/** The fleet of a trial: founded for it, with one operator and one device, on loopback, with secrets that nobody knows. */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { cidOf } from '../../protocol/encoding/cid.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { withRebootPolicies } from '../../protocol/release/reboot-policy.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { secretDocumentCodec } from '../../protocol/release/secrets.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { RehearsalPlan, TriedSystem } from '../api/schemas/rehearsal.ts'
import { tokenOptions } from '../api/schemas/token.ts'
import { createFleet } from '../fleet/create-fleet.ts'
import { makeTokenHere } from '../orders/token.ts'
import { openProject } from '../project/project.ts'
import { boundContent } from '../release/bindings.ts'
import { releaseConfig } from '../release/release-config.ts'
import { submitChange } from '../release/releasing.ts'
import { encryptTo } from '../secrets/age.ts'
import { processed } from '../secrets/process.ts'
import { deviceRecipients } from '../secrets/release.ts'
import { type Session, startSession } from '../session/session.ts'
import { type Pace, paced, paces } from './pace.ts'

const address = '/ip4/127.0.0.1/tcp/4470'

/** An emulated machine takes seconds for a question. */
const answerMs = 60_000

/** This computer, from inside of the network that QEMU makes for a machine. */
const addressForQemu = '/ip4/10.0.2.2/tcp/4470'

export class ThrowawayFleet {
  readonly #session: Session
  readonly #plan: RehearsalPlan
  /** Of its machine. */
  pace: Pace = paces.container

  private constructor(session: Session, plan: RehearsalPlan) {
    this.#session = session
    this.#plan = plan
  }

  /** Founds it; `THYMESH_HOME` must be a folder of the trial's own. */
  static async found(directory: string, plan: RehearsalPlan): Promise<ThrowawayFleet> {
    const project = join(directory, 'project')
    await createFleet({
      directory: project,
      name: 'try',
      operator: 'try',
      bootstrap: [address],
      settings: { listen: [address], mdns: false, ...(plan.store !== null && { store: plan.store }) },
    })
    return new ThrowawayFleet(await startSession(await openProject(project)), plan)
  }

  async token(): Promise<string> {
    const bootstrap = this.#plan.program === null ? [] : [addressForQemu]
    return (await makeTokenHere(this.#session, tokenOptions.parse({ names: this.#plan.device, bootstrap }))).token
  }

  /** What the device reported last; nothing before it has joined. */
  report(): Report | undefined {
    const peer = this.#peerOfDevice()
    return peer === undefined ? undefined : this.#session.peer.directory.report(peer)?.document
  }

  get hasJoined(): boolean {
    return this.#peerOfDevice() !== undefined
  }

  /** Whether anybody has called: nobody but the device can. */
  get isCalled(): boolean {
    return this.hasJoined || this.#session.peer.neighbours.areConnecting
  }

  /** The last lines of the device's journal; nothing where it doesn't answer. */
  async journal(lines: number, unit?: string): Promise<string | undefined> {
    return await this.#asked((peer, signal) =>
      this.#session.peer.neighbours.askForLog(
        peer,
        { journal: { lines, ...(unit !== undefined && { unit }) } },
        signal,
      ),
    )
  }

  /** The device's page for Prometheus; nothing where it has none, or doesn't answer. */
  async metricsPage(): Promise<string | undefined> {
    return await this.#asked((peer, signal) => this.#session.peer.neighbours.scrape(peer, 0, signal))
  }

  /** Signs and publishes a release of this system; gives its version. */
  async release(tried: TriedSystem, message: string): Promise<number> {
    const { home, peer, signing } = this.#session
    const { config, device, system, program } = this.#plan
    const nixKey = await home.nixKey()
    const secrets = await this.#secrets(tried)
    const target = program === null ? ('portable' as const) : ('nixos' as const)
    const built = { system, target, topLevel: tried.topLevel, policy: paced(tried.policy, this.pace) }
    const released = await releaseConfig(peer, { ...built, ...(secrets && { secrets }) }, nixKey)
    const reboots = { [config]: tried.reboot && { when: tried.reboot } }
    const extensions = { values: withRebootPolicies({}, reboots), critical: [] }
    const said = { message, configs: { [config]: released }, devices: { [device]: { config } }, extensions }
    const content = boundContent(said, { fleet: peer.fleet }, nixKey)
    const operator = { signers: await home.operatorKeys.signers(), now: new Date(), trustClock: false }
    const outcome = await signing.run(() => submitChange(this.#session, { content, message }, operator))
    if (outcome.kind !== 'published') throw new RangeError('a fleet of one operator can always publish')
    return outcome.release.version
  }

  async stop(): Promise<void> {
    await this.#session.stop()
  }

  #peerOfDevice(): string | undefined {
    const { directory } = this.#session.peer
    return directory.certificates().find(({ name, role }) => name === this.#plan.device && role === 'device')?.peer
  }

  async #asked(ask: (peer: string, signal: AbortSignal) => Promise<Uint8Array>): Promise<string | undefined> {
    const peer = this.#peerOfDevice()
    if (peer === undefined) return undefined
    const bytes = await ask(peer, AbortSignal.timeout(answerMs)).catch(() => undefined)
    return bytes && Buffer.from(bytes).toString()
  }

  async #secrets({ secrets }: TriedSystem): Promise<ReleasedConfig['secrets']> {
    const { peer } = this.#session
    const readers = (await deviceRecipients(this.#session)).get(this.#plan.device) ?? []
    const released: NonNullable<ReleasedConfig['secrets']> = {}
    for (const [file, { owner, group, mode, type, processing }] of Object.entries(secrets)) {
      const bytes = secretDocumentCodec.encode({
        v: 1,
        age: await encryptTo(readers, await processed(anything(type), processing, file)),
      })
      await peer.state.keepDocument(bytes)
      const place = { ...(owner && { owner }), ...(group && { group }), ...(mode && { mode }) }
      released[file] = { document: cidOf(bytes), size: bytes.length, source: sha256(bytes), ...place }
    }
    return Object.keys(released).length > 0 ? released : undefined
  }
}

/** Random content in the form of a secret's type. */
function anything(type: TriedSystem['secrets'][string]['type']): Uint8Array {
  const word = () => randomBytes(18).toString('base64url')
  if (type === 'file') return randomBytes(32)
  if (type === 'environment') return Buffer.from(`TRY=${word()}\n`)
  return Buffer.from(type === 'multi-line' ? `${word()}\n${word()}\n` : word())
}
