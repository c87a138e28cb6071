/**
 * A device in this process that follows releases: a real peer with a real activator, which runs real command probes, on a
 * machine in memory. Its fleet has a Nix key, which a thief may have or not.
 */

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encryptTo } from '../../controller/secrets/age.ts'
import { Activator } from '../../node/activation/activator.ts'
import { Device } from '../../node/device/device.ts'
import { DeviceSecrets } from '../../node/secrets/device-secrets.ts'
import { SecretUpdates } from '../../node/secrets/secret-updates.ts'
import type { NixStore } from '../../node/store/local/nix-store.ts'
import type { PathInfo } from '../../node/store/path-info.ts'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { cidOf } from '../../protocol/encoding/cid.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { formatNixPublicKey, type NixSecretKey, nixSecretKeyFromSeed } from '../../protocol/nix/signature.ts'
import { type Bindings, bindConfig, withBindings } from '../../protocol/release/binding.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { type ReleasedSecret, secretDocumentCodec } from '../../protocol/release/secrets.ts'
import type { UpdatePolicyInput } from '../../protocol/release/update-policy.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { ChunkedClosure, memoryPath } from '../helpers/chunked-closure.ts'
import { testConfig, testFleet, testSeed, testSigner, testStorePath } from '../helpers/fleet.ts'
import { silentLogger } from '../helpers/log.ts'
import { liveFleet } from '../helpers/mesh.ts'
import { SimulatedMachine } from '../helpers/simulated-machine.ts'
import { delegate } from '../helpers/sites.ts'
import { until } from '../helpers/until.ts'
import type { Arena, Victim } from './arena.ts'

const thisSystem = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux'
const well = { code: 0, unitFails: false, reachable: true, commitFails: false }
const quick: UpdatePolicyInput = { health: { settleSeconds: 0 }, confirm: { deadlineSeconds: 3600, peers: 0 } }

export class DeviceScene {
  readonly victim: Victim
  readonly machine: SimulatedMachine
  /** The config of the system that the device may switch to: its paths are in the store. */
  readonly config: ReleasedConfig
  readonly nixKey: NixSecretKey
  /** A file that a command probe of a thief makes. */
  readonly marker: string
  /** What the store's database says of the paths that it has. */
  readonly held: Map<string, PathInfo>
  /** Below it are the device's secrets. */
  readonly root: string

  private constructor(
    parts: Pick<DeviceScene, 'victim' | 'machine' | 'config' | 'nixKey' | 'marker' | 'root' | 'held'>,
  ) {
    this.victim = parts.victim
    this.machine = parts.machine
    this.config = parts.config
    this.nixKey = parts.nixKey
    this.marker = parts.marker
    this.root = parts.root
    this.held = parts.held
  }

  /** `site`: a site with this operator, at which the device is. */
  static async of(arena: Arena, site?: { name: string; operator: Signer }): Promise<DeviceScene> {
    const nixKey = nixSecretKeyFromSeed('orchard-1', testSeed('nix'))
    arena.fleet = testFleet({ now: liveFleet().now, nixPublicKeys: [formatNixPublicKey(nixKey)] })
    const certificate = arena.fleet.certify(testSigner('victim'), { name: 'victim', ...(site && { site: site.name }) })
    if (site !== undefined) delegate(arena.fleet, site.name, [site.operator])
    const { directory } = arena.mesh
    const top = join(directory, 'top-level')
    await mkdir(join(top, 'bin'), { recursive: true })
    await writeFile(join(top, 'bin/switch-to-configuration'), '', { mode: 0o755 })
    const store: Record<string, unknown> = {
      realPath: () => top,
      makeRoot: async () => {},
      removeRoot: async () => {},
      holdTempRoots: async () => ({ release: async () => {} }),
      validPaths: async (paths: readonly string[]) => new Set(paths),
      pathInfos: async () => held,
    }
    const held = new Map<string, PathInfo>()
    const victim = await arena.victim({ certificate, store: store as Partial<NixStore> })
    const closure = await ChunkedClosure.of([memoryPath(testStorePath('older'), Buffer.from('a system'))])
    await victim.state.keepDocument(closureCodec.encode(closure.closure))
    for (const { recipe } of closure.closure.paths) {
      await victim.state.keepDocument((await closure.document(recipe)) ?? new Uint8Array())
    }
    for (const { path, narHash, narSize, signatures } of closure.closure.paths) {
      held.set(path, { path, narHash, narSize, references: [], signatures })
    }
    const config = { ...testConfig(closure.closure), system: thisSystem, policy: quick }
    const machine = new SimulatedMachine({ old: testStorePath('now'), new: config.topLevel, behaviour: well })
    const activator = new Activator(
      {
        system: machine,
        journal: machine,
        logs: { keep: async () => ({ hash: 'a'.repeat(64), bytes: 1, excerpt: '' }) },
        store: store as never,
        contacts: async () => ({ all: 0, steady: 0 }),
        log: silentLogger,
      },
      { root: undefined, pollMs: 0, retryPausesMs: [0, 0, 0] },
    )
    const fetch = async (hash: Uint8Array) => (await victim.state.document(hash)) ?? new Uint8Array()
    const secrets = new DeviceSecrets(
      { fetch, identities: () => victim.peerState.age.identities },
      { state: join(directory, 'device'), root: join(directory, 'root') },
    )
    const { own, clock } = victim.peerState
    const updates = new SecretUpdates({ secrets, log: silentLogger }, { rooted: true })
    const device = new Device({ peer: victim, activator, secrets: updates, own, clock, log: victim.log.logger })
    device.start()
    arena.ending.after(() => device.stop())
    return new DeviceScene({
      victim,
      held,
      machine,
      config,
      nixKey,
      marker: join(directory, 'ran'),
      root: join(directory, 'root'),
    })
  }

  /** The config with a command probe that makes the marker. */
  get probing(): ReleasedConfig {
    const probe = { kind: 'command' as const, command: ['/bin/sh', '-c', `: >'${this.marker}'`] }
    return { ...this.config, policy: { ...quick, health: { ...quick.health, probes: [probe] } } }
  }

  /** A release of one config to the device, with the signature of a Nix key if one is given. */
  content(config: ReleasedConfig, key?: NixSecretKey): Pick<ReleaseContent, 'configs' | 'devices' | 'extensions'> {
    const { fleet } = this.victim
    const bindings: Bindings = key === undefined ? {} : { kiosk: [bindConfig({ fleet }, config, key)] }
    const extensions = withBindings(undefined, bindings)
    return { configs: { kiosk: config }, devices: { victim: { config: 'kiosk' } }, extensions }
  }

  /** A secret with this content for the device, its document in the device's state. */
  async secret(content: string): Promise<ReleasedSecret> {
    const { age } = this.victim.peerState
    const document = secretDocumentCodec.encode({ v: 1, age: await encryptTo([age.recipient], Buffer.from(content)) })
    await this.victim.state.keepDocument(document)
    return { document: cidOf(document), size: document.length, source: sha256(document) }
  }

  /** A file of a secret on the device: content and mode. */
  async installed(name: string): Promise<string> {
    const file = join(this.root, 'run/thymesh/secrets', name)
    const content = await readFile(file, 'utf8').catch(() => 'nothing')
    return content === 'nothing' ? content : `${content} ${((await stat(file)).mode & 0o777).toString(8)}`
  }

  /** Whether the command of the probe has run. */
  async ran(): Promise<boolean> {
    return (await stat(this.marker).catch(() => undefined)) !== undefined
  }

  get moved(): boolean {
    return this.machine.runs === this.config.topLevel
  }

  /** Whether the device has confirmed its config: probes run after the switch, and before that. */
  get confirmed(): boolean {
    const report = this.victim.directory.report(this.victim.identity.peerId)?.document
    return this.moved && report?.state === 'running' && report.running === this.config.topLevel
  }

  /** Waits until the device reports that it doesn't act on this release, or acts on it. */
  async refusesOrMoves(version: number): Promise<string | undefined> {
    const reported = () => this.victim.directory.report(this.victim.identity.peerId)?.document
    await until(() => this.moved || reported()?.wanted === version, `the device to judge release ${version}`)
    return reported()?.error?.code
  }
}
