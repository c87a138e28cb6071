/** Brings a closure into the Nix store: what is missing, from members that have it, references before referrers. */

import { type Closure, type DescribedPath, referencesOf } from '../../protocol/closure.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { parallelPaths } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Admission, Member } from '../mesh/admission.ts'
import type { Directory } from '../mesh/directory.ts'
import type { NixStore } from '../store/nix-store.ts'
import { StoreError } from '../store/store-error.ts'
import type { NarService } from './nar-service.ts'

export class FetchError extends ThymeshError<'no-source' | 'disk-full'> {}

/** Bytes of NARs, by where they came from. */
export interface Progress {
  /** Of the paths that the store lacked when the fetch began. */
  readonly needed: number
  fromControllers: number
  fromNeighbours: number
  pathsLeft: number
}

export interface ClosureFetchComponents {
  store: Pick<NixStore, 'holdTempRoots' | 'validPaths' | 'freeBytes' | 'import'>
  nars: Pick<NarService, 'fetch'>
  admission: Pick<Admission, 'members'>
  directory: Pick<Directory, 'report'>
  log: Logger
}

/** A fetch holds the closure from the garbage collector until it is released. */
export interface FetchedClosure {
  readonly progress: Progress
  release(): Promise<void>
}

/**
 * Fetches and imports what the store lacks of a closure. Resolves when all of it is valid. Throws a FetchError when no
 * member has a path or the disk is full; a StoreError when Nix refuses a path whoever sends it.
 */
export async function fetchClosure(
  components: ClosureFetchComponents,
  closure: Closure,
  options: { signal: AbortSignal; onProgress?: (progress: Progress) => void },
): Promise<FetchedClosure> {
  const { store } = components
  const paths = closure.paths.map(({ path }) => path)
  const held = await store.holdTempRoots(paths)
  try {
    const valid = await store.validPaths(paths)
    const missing = closure.paths.filter(({ path }) => !valid.has(path))
    const progress: Progress = {
      needed: missing.reduce((sum, { narSize }) => sum + narSize, 0),
      fromControllers: 0,
      fromNeighbours: 0,
      pathsLeft: missing.length,
    }
    await requireSpace(store, progress.needed)
    await new Fetch(components, closure, progress, options).run(missing, valid)
    return { progress, release: () => held.release() }
  } catch (thrown) {
    await held.release()
    throw thrown
  }
}

/** What an import needs beyond its NARs: the database, directories, the last block of each file. */
const spaceMargin = 1.1

async function requireSpace(store: Pick<NixStore, 'freeBytes'>, needed: number): Promise<void> {
  const free = await store.freeBytes()
  if (free >= needed * spaceMargin) return
  throw new FetchError(
    'disk-full',
    `expected ${mebibytes(needed * spaceMargin)} free for the update, got ${mebibytes(free)}`,
    {
      hint: 'Free space on the device, for example with `nix-collect-garbage`; the update is tried again by itself.',
    },
  )
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / (1 << 20))} MiB`
}

class Fetch {
  readonly #components: ClosureFetchComponents
  readonly #closure: Closure
  readonly #progress: Progress
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  readonly #onProgress: (progress: Progress) => void
  /** Members that sent what Nix refused: asked for nothing more in this fetch while there are others. */
  readonly #distrusted = new Set<string>()
  #next = 0

  constructor(
    components: ClosureFetchComponents,
    closure: Closure,
    progress: Progress,
    options: { signal: AbortSignal; onProgress?: (progress: Progress) => void },
  ) {
    this.#components = components
    this.#closure = closure
    this.#progress = progress
    this.#signal = AbortSignal.any([options.signal, this.#abort.signal])
    this.#onProgress = options.onProgress ?? (() => {})
  }

  /** A few at a time in the descriptor's order; each waits for its references, which stand before it. */
  async run(missing: readonly DescribedPath[], valid: ReadonlySet<string>): Promise<void> {
    const done = new Map<string, PromiseWithResolvers<void>>()
    for (const { path } of missing) done.set(path, Promise.withResolvers<void>())
    const giveUp = () => {
      for (const { promise, reject } of done.values()) {
        promise.catch(() => {})
        reject(this.#signal.reason)
      }
    }
    this.#signal.addEventListener('abort', giveUp, { once: true })
    const worker = async () => {
      for (let path = missing[this.#next++]; path !== undefined; path = missing[this.#next++]) {
        this.#signal.throwIfAborted()
        const references = referencesOf(this.#closure, path).filter(each => each !== path?.path && !valid.has(each))
        await Promise.all(references.map(each => done.get(each)?.promise))
        await this.#one(path)
        this.#progress.pathsLeft--
        this.#onProgress(this.#progress)
        done.get(path.path)?.resolve()
      }
    }
    try {
      await Promise.all(Array.from({ length: parallelPaths }, worker))
    } catch (thrown) {
      this.#abort.abort(thrown)
      throw thrown
    } finally {
      this.#signal.removeEventListener('abort', giveUp)
    }
  }

  async #one(path: DescribedPath): Promise<void> {
    const failures: string[] = []
    for (const member of this.#sources()) {
      this.#signal.throwIfAborted()
      try {
        await this.#from(member, path)
        return
      } catch (thrown) {
        this.#signal.throwIfAborted()
        if (thrown instanceof StoreError) {
          if (isFinal(thrown)) throw thrown
          // What it sent was whole, and not what the release names.
          if (thrown.code === 'nar-mismatch') this.#distrusted.add(member.peer.toString())
        }
        failures.push(`${member.certificate.name}: ${messageOf(thrown)}`)
        this.#components.log.debug({ path: path.path, reason: messageOf(thrown) }, 'a source failed')
      }
    }
    const tried = failures.length === 0 ? 'no member is connected' : failures.slice(0, 3).join('; ')
    throw new FetchError('no-source', `no member in reach could send ${path.path}: ${tried}`, {
      hint: 'It is tried again when members come; a peer that holds the release must be reachable.',
    })
  }

  async #from(member: Member, path: DescribedPath): Promise<void> {
    const { store, nars } = this.#components
    const info = {
      path: path.path,
      narHash: path.narHash,
      narSize: path.narSize,
      references: referencesOf(this.#closure, path).sort(),
      signatures: path.signatures,
    }
    const nar = nars.fetch(member.peer, { path: path.path, narHash: path.narHash }, path.narSize, this.#signal)
    await store.import(info, this.#counted(nar, member), { signal: this.#signal })
  }

  async *#counted(nar: AsyncIterable<Uint8Array>, member: Member): AsyncGenerator<Uint8Array> {
    const from = member.certificate.role === 'controller' ? 'fromControllers' : 'fromNeighbours'
    for await (const chunk of nar) {
      this.#progress[from] += chunk.length
      this.#onProgress(this.#progress)
      yield chunk
    }
  }

  /** Neighbours that run this closure already, then controllers, whose uplink is dearer, then anyone. */
  #sources(): Member[] {
    const { admission, directory } = this.#components
    const top = this.#closure.paths.at(-1)?.path
    const rank = ({ peer, certificate }: Member) => {
      if (this.#distrusted.has(peer.toString())) return 3
      if (certificate.role === 'controller') return 1
      return directory.report(peer.toString())?.document.running === top ? 0 : 2
    }
    return admission.members
      .map(member => ({ member, rank: rank(member), order: Math.random() }))
      .sort((a, b) => a.rank - b.rank || a.order - b.order)
      .map(({ member }) => member)
  }
}

/** Refused by Nix whoever sends it. */
function isFinal(error: StoreError): boolean {
  return error.code === 'signature-refused' || error.code === 'disk-full' || error.code === 'store-unavailable'
}
