/** The recordings that a device keeps: a sealed file of each, and beside it what may be known without opening it. */

import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatVersion } from '../../protocol/encoding/fields.ts'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { limits } from '../../protocol/limits.ts'
import { type Recorded, recordedSchema, recordingIdSchema } from '../../protocol/messages/recordings.ts'
import { replaceFile } from '../files/durable-file.ts'
import { readUpTo } from '../files/file-io.ts'
import { unlessMissing } from '../files/missing.ts'
import { recordingsBytes, recordingsKept } from './limits.ts'

const keptSchema = recordedSchema.omit({ bytes: true }).extend({ v: formatVersion })
export type Kept = Omit<Recorded, 'bytes'>

export class RecordingBook {
  readonly #directory: string
  /** Those that are written now are not removed. */
  readonly #open = new Set<string>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Makes room for one more; gives the file that it goes into. */
  async place(id: string): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    this.#open.add(id)
    await this.#makeRoom(limits.recording)
    return this.#sealed(id)
  }

  /** It is written no more. */
  async close(id: string): Promise<void> {
    this.#open.delete(id)
    await this.#makeRoom(0)
  }

  /** Writes down what is known of it, in place of what was known before. */
  async note(about: Kept): Promise<void> {
    await replaceFile(this.#about(about.id), JSON.stringify({ v: 1, ...about }))
  }

  async remove(id: string): Promise<void> {
    this.#open.delete(id)
    await rm(this.#sealed(id), { force: true })
    await rm(this.#about(id), { force: true })
  }

  /** The newest first, of all or of those older than one, as many as one answer lists. */
  async list(before?: string): Promise<Recorded[]> {
    const files = await this.#files()
    const from = before === undefined ? 0 : files.findIndex(({ id }) => id === before) + 1
    if (before !== undefined && from === 0) return []
    const found: Recorded[] = []
    for (const { id, bytes } of files.slice(from)) {
      if (found.length === limits.recordingsListed) break
      const text = await unlessMissing(readFile(this.#about(id), 'utf8'))
      const parsed = text === undefined ? undefined : keptSchema.safeParse(jsonOf(text))
      // Not noted yet: nobody has logged in.
      if (parsed?.success !== true || parsed.data.id !== id) continue
      const { v: _, ...about } = parsed.data
      found.push({ ...about, bytes: Math.min(bytes, limits.recording) })
    }
    return found
  }

  /** Bytes of a sealed file from one on, and how many it has; undefined if there is none. */
  async read(id: string, from: number): Promise<{ size: number; bytes: Uint8Array } | undefined> {
    const handle = await unlessMissing(open(this.#sealed(id)))
    if (handle === undefined) return undefined
    try {
      const size = Math.min((await handle.stat()).size, limits.recording)
      return { size, bytes: await readUpTo(handle, Math.max(0, Math.min(limits.recordingPart, size - from)), from) }
    } finally {
      await handle.close()
    }
  }

  /** Removes the oldest until so many bytes, and one more file, fit. */
  async #makeRoom(needed: number): Promise<void> {
    let room = recordingsBytes - needed
    let count = recordingsKept
    for (const { id, bytes } of await this.#files()) {
      room -= bytes
      count--
      if ((room < 0 || count < 0) && !this.#open.has(id)) await this.remove(id)
    }
  }

  /** All sealed files, the newest first. */
  async #files(): Promise<{ id: string; bytes: number; at: number }[]> {
    const names = (await unlessMissing(readdir(this.#directory))) ?? []
    const files = names.flatMap(name => {
      const [, id] = /^(.+)\.cast\.age$/.exec(name) ?? []
      return recordingIdSchema.safeParse(id).data ?? []
    })
    const all = files.map(async id => {
      const about = await unlessMissing(stat(this.#sealed(id)))
      return about === undefined ? [] : [{ id, bytes: about.size, at: about.birthtimeMs || about.mtimeMs }]
    })
    return (await Promise.all(all)).flat().sort((one, other) => other.at - one.at)
  }

  #sealed(id: string): string {
    return join(this.#directory, `${id}.cast.age`)
  }

  #about(id: string): string {
    return join(this.#directory, `${id}.json`)
  }
}
