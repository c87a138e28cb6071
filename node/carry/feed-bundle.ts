/** Keeps a bundle attached for as long as this device or a neighbour needs it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Bundle } from '../bundle/bundle.ts'
import { feedIntervalMs, stuckMs } from './limits.ts'
import { type BundleTrust, type TakeComponents, takeBundle } from './take-bundle.ts'

export interface FeedComponents extends TakeComponents {
  /** A directory for unpacked packs. */
  readonly scratch: string
  readonly swarms: { readonly isWanted: boolean }
  /** Whether this device lacks the closure that its release assigns to it. */
  readonly lacks: () => Promise<boolean>
  /**
   * Stages what is attached of incomplete paths: another volume may come after this one is removed, or the device may be busy
   * with the update before. Says whether the whole closure is on this device now.
   */
  readonly keep: (signal: AbortSignal) => Promise<boolean>
}

/** What is told while a bundle is attached. */
export interface FeedNews {
  readonly trust: BundleTrust
  /** The fleet's release that is trusted now. */
  readonly release: number | null
  /** Bytes read from the medium. */
  readonly readBytes: number
  /** Bytes of all packs in this volume. */
  readonly packBytes: number
  readonly volume: number
  readonly volumes: number
}

/** `incomplete`: the device lacks chunks that neither this volume nor a neighbour has, or has no room for them. */
export interface FeedEnd extends FeedNews {
  readonly outcome: 'done' | 'incomplete'
}

export interface FeedInit {
  readonly onNews: (news: FeedNews) => void
  /** How long nobody may need the bundle before it is detached; for ever if infinite. */
  readonly quietMs: number
  readonly signal: AbortSignal
}

/** Opens and attaches the bundle at a path. Throws what `Bundle.open` and `takeBundle` throw, and the signal's reason. */
export async function feedBundle(components: FeedComponents, path: string, init: FeedInit): Promise<FeedEnd> {
  const { signal } = init
  const { shelf, scratch } = components
  const bundle = await Bundle.open(path, { scratch, kept: shelf.packs, signal })
  try {
    const { trust, release = null } = await takeBundle(components, bundle, signal)
    const { volume, volumes } = bundle.manifest
    const packs = bundle.places.filter(({ file }) => 'number' in file)
    const packBytes = packs.reduce((sum, { size }) => sum + size, 0)
    const news = () => ({ trust, release, readBytes: bundle.readBytes, packBytes, volume, volumes })
    init.onNews(news())
    bundle.usedAt = Date.now()
    // Beside the wait: a question to the store has to wait for an import that reads the bundle.
    let told = bundle.readBytes
    const telling = setInterval(() => {
      if (bundle.readBytes === told) return
      told = bundle.readBytes
      init.onNews(news())
    }, feedIntervalMs)
    const outcome = await settled(components, bundle, init).finally(() => clearInterval(telling))
    return { ...news(), outcome }
  } finally {
    shelf.detach(bundle)
    await bundle.close()
  }
}

async function settled(
  { lacks, keep, swarms }: FeedComponents,
  bundle: Bundle,
  { quietMs, signal }: FeedInit,
): Promise<FeedEnd['outcome']> {
  for (; ; await sleep(feedIntervalMs, undefined, { signal })) {
    const idleMs = Date.now() - bundle.usedAt
    if (idleMs < quietMs) continue
    if (!swarms.isWanted && !(await lacks())) return 'done'
    if (idleMs < Math.max(stuckMs, quietMs)) continue
    if (!(await lacks())) return 'done'
    return (await keep(signal)) ? 'done' : 'incomplete'
  }
}
