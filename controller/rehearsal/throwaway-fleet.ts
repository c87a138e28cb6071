/** The fleet of a trial: founded for it, with one operator and one device, on loopback, with secrets that nobody knows. */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { cidOf } from '../../protocol/encoding/cid.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { secretDocumentCodec } from '../../protocol/release/secrets.ts'
import { policyOf, type UpdatePolicyInput } from '../../protocol/release/update-policy.ts'
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

const address = '/ip4/127.0.0.1/tcp/4470'

/** A trial waits no longer for new failures to mend themselves, and long enough for the power to go meanwhile. */
const settleSeconds = { least: 1, most: 3 }

export class ThrowawayFleet {
  readonly #session: Session
  readonly #plan: RehearsalPlan

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
    return (await makeTokenHere(this.#session, tokenOptions.parse({ names: this.#plan.device }))).token
  }

  /** What the device reported last; nothing before it has joined. */
  report(): Report | undefined {
    const { directory } = this.#session.peer
    const member = directory.certificates().find(({ name, role }) => name === this.#plan.device && role === 'device')
    return member && directory.report(member.peer)?.document
  }

  get hasJoined(): boolean {
    return this.#session.peer.directory.certificates().some(({ name }) => name === this.#plan.device)
  }

  /** Signs and publishes a release of this system; gives its version. */
  async release(tried: TriedSystem, message: string): Promise<number> {
    const { home, peer, signing } = this.#session
    const { config, device, system } = this.#plan
    const nixKey = await home.nixKey()
    const secrets = await this.#secrets(tried)
    const built = { system, target: 'portable' as const, topLevel: tried.topLevel, policy: quick(tried.policy) }
    const released = await releaseConfig(peer, { ...built, ...(secrets && { secrets }) }, nixKey)
    const extensions = { values: {}, critical: [] }
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

/** The config's own policy, but that it begins at once: no maintenance window, no other members, no wait for slow units. */
function quick(policy: UpdatePolicyInput | undefined): UpdatePolicyInput {
  const { windows: _, ...rest } = policy ?? {}
  const { health, confirm } = policyOf(policy)
  const settle = Math.max(settleSeconds.least, Math.min(health.settleSeconds, settleSeconds.most))
  return {
    ...rest,
    gc: false,
    health: { ...policy?.health, settleSeconds: settle },
    confirm: { ...policy?.confirm, peers: Math.min(confirm.peers, 1) },
  }
}
