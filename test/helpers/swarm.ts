/** A controller and devices with real Nix stores and real streams on loopback: what closures move between in tests. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { releaseConfig } from '../../controller/release/release-config.ts'
import { NixStore } from '../../node/store/local/nix-store.ts'
import type { KnownClosure } from '../../node/swarm/chunks/closures.ts'
import { fetchClosure } from '../../node/swarm/fetch/closure-fetch.ts'
import type { Progress } from '../../node/swarm/fetch/progress.ts'
import { FrameStream } from '../../node/swarm/session/frame-stream.ts'
import type { Frame } from '../../protocol/messages/swarm.ts'
import { formatNixPublicKey, type NixSecretKey, nixSecretKeyFromSeed } from '../../protocol/nix/signature.ts'
import type { ReleasedConfig, ReleaseExtensions } from '../../protocol/release/release.ts'
import { type RealStore, Stores } from '../store/real-stores.ts'
import { type TestFleet, testSeed, testSigner } from './fleet.ts'
import { connect, liveFleet, Mesh, type PeerInit, type TestPeer } from './mesh.ts'
import { noise } from './planted-nar.ts'
import { publishRelease } from './publish-release.ts'
import { until } from './until.ts'

/** A peer, the store that it serves from and fetches into, and that store's files. */
export type StorePeer = TestPeer & { real: RealStore }

export type StorePeerInit = Pick<PeerInit, 'settings'> & {
  role?: 'controller' | 'device'
  site?: string
  machineStore?: true
}

/** The common part of two builds of one closure: everything but the hashes in their paths' names. */
export interface Content {
  lib: Uint8Array
  tool: Uint8Array
}

/** Bytes that are the same for the same word. */
export function content(word: string, bytes = 3_000_000): Content {
  return { lib: noise(`${word} lib`, bytes), tool: noise(`${word} tool`, bytes / 3) }
}

/** The same with a few bytes put in here and there, so that no chunk stays as it was. */
export function edited({ lib, tool }: Content): Content {
  const edit = (bytes: Uint8Array) => {
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += 10_000) {
      parts.push(bytes.subarray(at, at + 10_000), Buffer.from(`edited at ${at}`))
    }
    return Buffer.concat(parts)
  }
  return { lib: edit(lib), tool: edit(tool) }
}

export class SwarmWorld {
  readonly mesh: Mesh
  readonly fleet: TestFleet
  readonly stores: Stores
  readonly key: NixSecretKey

  private constructor(mesh: Mesh, stores: Stores) {
    this.mesh = mesh
    this.stores = stores
    this.fleet = liveFleet()
    this.key = nixSecretKeyFromSeed('orchard-1', testSeed('nix'))
  }

  static async of(t: { after(undo: () => Promise<void>): void }): Promise<SwarmWorld> {
    const mesh = await Mesh.of(t)
    return new SwarmWorld(mesh, await Stores.of(t))
  }

  /** A peer with a store; again with the same word it has the same store and state. */
  async peer(word: string, { role = 'device', site, settings, machineStore }: StorePeerInit = {}): Promise<StorePeer> {
    const real = this.stores.real(word)
    const root = machineStore ? {} : { root: real.root }
    const store = new NixStore({}, { ...root, trustedPublicKeys: [formatNixPublicKey(this.key)] })
    const certificate = this.fleet.certify(testSigner(word), { name: word, role, ...(site && { site }) })
    const init = { word, fleet: this.fleet, certificate, store: partsOf(store), ...(settings && { settings }) }
    return Object.assign(await this.mesh.start(init), { real })
  }

  controller(init: StorePeerInit = {}): Promise<StorePeer> {
    return this.peer('controller', { role: 'controller', ...init })
  }

  /** A member that has no store and says on swarm streams what `say` says. */
  async hostile(word: string, say: (frames: FrameStream) => Promise<void>): Promise<TestPeer> {
    const peer = await this.mesh.start({ word, fleet: this.fleet })
    await peer.host.unhandle(peer.names.swarm)
    await peer.host.handle(peer.names.swarm, async stream => {
      const frames = new FrameStream(stream)
      await say(frames).catch(() => {})
    })
    return peer
  }

  /** Puts a closure of three paths into a store, with new hashes each time, and returns its top level. */
  async build(real: RealStore, { lib, tool }: Content): Promise<string> {
    const libPath = await real.add('lib', at => writeFile(at, lib))
    const fill = async (at: string, path: string) => {
      await mkdir(join(at, 'bin'), { recursive: true })
      await writeFile(join(at, 'bin/tool'), Buffer.concat([tool, Buffer.from(`${path} ${libPath}\n`)]))
    }
    const toolPath = await real.add('tool', fill, [libPath, '{out}'])
    return await real.addText('top', `${toolPath} ${libPath}`, [toolPath, libPath])
  }

  /** Builds a closure in a controller's store and releases it; it is kept, signed and told to the mesh. */
  async release(controller: StorePeer, what: Content): Promise<ReleasedConfig> {
    return await this.releaseOf(controller, await this.build(controller.real, what))
  }

  /** Releases a closure that is in a controller's store. */
  async releaseOf(controller: StorePeer, topLevel: string): Promise<ReleasedConfig> {
    const config = await this.describe(controller, topLevel)
    await this.publish(controller, { kiosk: config })
    return config
  }

  /** Describes a closure that is in a controller's store, ready to be released. */
  async describe(controller: StorePeer, topLevel: string): Promise<ReleasedConfig> {
    const built = { system: 'x86_64-linux', target: 'portable' as const, topLevel }
    return await releaseConfig(controller.door, built, this.key)
  }

  /** A release of these configs. */
  async publish(
    controller: StorePeer,
    configs: Readonly<Record<string, ReleasedConfig>>,
    extensions?: ReleaseExtensions,
  ): Promise<void> {
    const { trusted } = controller.state.accepted ?? {}
    if (trusted === undefined) throw new Error('expected a controller that knows its fleet')
    const content = { message: 'news', configs, devices: {}, ...(extensions && { extensions }) }
    await controller.state.publish(publishRelease(trusted, this.fleet.fleet, content, this.fleet.keys, new Date()))
  }

  /** Waits until a peer knows the release of a closure, and describes that. */
  async known(peer: StorePeer, { topLevel, closure }: ReleasedConfig): Promise<KnownClosure> {
    const config = () => peer.state.accepted?.release.configs.kiosk
    await until(() => config()?.topLevel === topLevel, `${peer.word} to hear of the release`)
    const found = config()
    if (found?.closure.toString() !== closure.toString()) throw new Error('expected the closure that was released')
    return await peer.closures.get(found)
  }

  /** Fetches what was released into a peer's store. */
  async fetch(peer: StorePeer, config: ReleasedConfig, options: FetchOptions = {}): Promise<Progress> {
    const known = await this.known(peer, config)
    const components = { ...peer.fetchComponents, trustedPublicKeys: () => [formatNixPublicKey(this.key)] }
    const { signal = AbortSignal.timeout(300_000), onProgress } = options
    const fetched = await fetchClosure(components, known, { signal, ...(onProgress && { onProgress }) })
    await fetched.release()
    return fetched.progress
  }
}

export interface FetchOptions {
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
}

/** Everyone dials the first. */
export async function connectAll(first: TestPeer, ...others: TestPeer[]): Promise<void> {
  for (const other of others) await connect(other, first)
}

/** The dialled side's handshake, having this and wanting that; then every later frame goes to `take`. */
export async function answer(
  frames: FrameStream,
  ready: Omit<Frame & { type: 'ready' }, 'type'>,
  take: (frame: Frame) => Promise<void> | void,
): Promise<void> {
  await frames.read()
  await frames.write({ type: 'ready', ...ready })
  await frames.read()
  for (let frame = await frames.read(); frame !== undefined; frame = await frames.read()) await take(frame)
}

/** A store as a plain object: the mesh's helpers copy what they are given. */
function partsOf(store: NixStore): Partial<NixStore> {
  const names = Object.getOwnPropertyNames(NixStore.prototype).filter(name => name !== 'constructor')
  const parts = names.map(name => {
    const part: unknown = Reflect.get(store, name, store)
    return [name, typeof part === 'function' ? part.bind(store) : part]
  })
  return Object.fromEntries(parts)
}
