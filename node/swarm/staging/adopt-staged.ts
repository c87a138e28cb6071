/** Reuses chunks that were staged for another closure: a newer release mostly needs the same ones. */

import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fromHex, toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { readFully } from '../../files/file-io.ts'
import type { Logger } from '../../process/log.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import type { KnownClosure } from '../chunks/closures.ts'
import type { LocalChunks } from './local-chunks.ts'
import { StagingLayout } from './staging-layout.ts'
import { verifyStaged } from './staging-scan.ts'

export interface AdoptComponents {
  /** The parent directory of all staging directories, each named by its descriptor's hash in hex. */
  readonly directory: string
  /** A closure whose documents are all here. */
  readonly held: (hash: Uint8Array) => Promise<KnownClosure | undefined>
  /** The disk budget for the closure's own staging. */
  readonly budgetBytes: number
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/**
 * Stages missing chunks that other closures' staging holds. Those files are only read, since their own closure may
 * still be served from them. Chunks that can't be read or don't fit are skipped and fetched later.
 */
export async function adoptStaged(
  { directory, held, budgetBytes, log }: AdoptComponents,
  { hash, list }: Pick<KnownClosure, 'hash' | 'list'>,
  chunks: Pick<LocalChunks, 'has' | 'put'>,
): Promise<number> {
  let adopted = 0
  try {
    const lacking = lackingOf(list, chunks)
    const bytes = [...lacking.values()].reduce((sum, number) => sum + list.length(number), 0)
    // With a tight budget, chunks arrive in the order in which they are needed.
    const names = bytes === 0 || bytes > budgetBytes ? [] : await readdir(directory).catch(() => [])
    for (const name of names) {
      if (name === toHex(hash) || !/^[0-9a-f]{64}$/.test(name)) continue
      const other = await held(fromHex(name))
      if (other === undefined) continue
      adopted += await adoptFrom(join(directory, name), other.list, lacking, chunks)
    }
  } catch (thrown) {
    log.warn({ reason: messageOf(thrown) }, 'chunks that were staged for another closure were not reused')
  }
  if (adopted > 0) log.info({ chunks: adopted }, 'chunks that were staged for another closure were reused')
  return adopted
}

async function adoptFrom(
  directory: string,
  list: ChunkList,
  lacking: Map<string, number>,
  chunks: Pick<LocalChunks, 'put'>,
): Promise<number> {
  const layout = new StagingLayout(list)
  let adopted = 0
  for (const range of layout.ranges) {
    const name = join(directory, `${range.from}-${range.to}`)
    const handle = await open(name, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined)
    if (handle === undefined) continue
    try {
      for await (const number of verifyStaged(handle, range, list, layout.offsets)) {
        const key = toHex(list.hash(number))
        const wanted = lacking.get(key)
        if (wanted === undefined) continue
        const bytes = Buffer.allocUnsafe(list.length(number))
        if (!(await readFully(handle, bytes, layout.offsets[number] ?? 0))) continue
        await chunks.put(wanted, bytes)
        lacking.delete(key)
        adopted++
      }
    } finally {
      await handle.close()
    }
  }
  return adopted
}

function lackingOf(list: ChunkList, chunks: Pick<LocalChunks, 'has'>): Map<string, number> {
  const lacking = new Map<string, number>()
  for (let number = 0; number < list.count; number++) {
    if (!chunks.has(number)) lacking.set(toHex(list.hash(number)), number)
  }
  return lacking
}
