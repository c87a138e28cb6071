/** The snapshots that a device keeps: a file for each, whose name says of which screen and when; the oldest make room. */

import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nameSchema, timeSchema } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { type CarriedSnapshot, snapshotPngSchema } from '../../protocol/messages/snapshots.ts'
import { replaceFile } from '../files/durable-file.ts'
import { unlessMissing } from '../files/missing.ts'

export interface KeptSnapshot {
  readonly screen: string
  /** By the device's clock, where it had one. */
  readonly taken?: string
  /** Counts up, so that the order is known without a clock. */
  readonly number: number
}

export class SnapshotBook {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The newest first. */
  async list(): Promise<KeptSnapshot[]> {
    const names = (await unlessMissing(readdir(this.#directory))) ?? []
    return names.flatMap(name => keptOf(name) ?? []).sort((one, other) => other.number - one.number)
  }

  /** Keeps one more; the oldest go. */
  async add(screen: string, taken: string | undefined, png: Uint8Array): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const before = await this.list()
    const number = (before[0]?.number ?? 0) + 1
    for (const old of before.slice(limits.screenSnapshots - 1)) await rm(this.#file(old), { force: true })
    await replaceFile(this.#file({ screen, number, ...(taken !== undefined && { taken }) }), png, {
      // Always the same: what a power cut leaves is written over.
      draft: join(this.#directory, 'draft'),
    })
  }

  /** Undefined where it is gone meanwhile, or its disk has changed it. */
  async read(kept: KeptSnapshot): Promise<Uint8Array | undefined> {
    const bytes = await unlessMissing(readFile(this.#file(kept)))
    return bytes && snapshotPngSchema.safeParse(Uint8Array.from(bytes)).data
  }

  /** The newest of each screen. */
  async newest(): Promise<CarriedSnapshot[]> {
    const found = new Map<string, CarriedSnapshot>()
    for (const kept of await this.list()) {
      const { screen, taken } = kept
      if (found.has(screen) || found.size >= limits.snapshotScreens) continue
      const png = await this.read(kept)
      if (png !== undefined) found.set(screen, { screen, ...(taken !== undefined && { taken }), png })
    }
    return [...found.values()]
  }

  /** Milliseconds since 1970 at which its file was written, by the clock of then. */
  async written(kept: KeptSnapshot): Promise<number | undefined> {
    return (await unlessMissing(stat(this.#file(kept))))?.mtimeMs
  }

  #file({ screen, taken, number }: KeptSnapshot): string {
    return join(this.#directory, `${number}.${screen}.${taken ?? 'none'}.png`)
  }
}

function keptOf(name: string): KeptSnapshot | undefined {
  const [, number, screen, taken] = /^([1-9]\d{0,14})\.([^.]+)\.([^.]+)\.png$/.exec(name) ?? []
  if (!nameSchema.safeParse(screen).success || screen === undefined) return undefined
  const time = timeSchema.safeParse(taken).data
  if (time === undefined && taken !== 'none') return undefined
  return { screen, number: Number(number), ...(time !== undefined && { taken: time }) }
}
