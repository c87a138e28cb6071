/** The order that takes in outboxes: reports, histories and logs that a stick has carried home. */

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { carriedSchema, carryInOptions } from '../api/schemas/project-orders.ts'
import { keepLogs } from '../fleet/carried-logs.ts'
import { size } from '../format/table.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

/** Of a stick; outboxes lie in it. */
export const outboxFolder = 'thymesh-outbox'

export async function carryIn(
  session: Session,
  { paths }: z.output<typeof carryInOptions>,
  talk: Talk,
): Promise<z.infer<typeof carriedSchema>> {
  const files = (await Promise.all(paths.map(outboxesAt))).flat()
  const taken: z.infer<typeof carriedSchema>['taken'] = []
  for (const [index, file] of files.entries()) {
    talk.signal.throwIfAborted()
    talk.progress({ step: 'Taking in outboxes', done: index, of: files.length, unit: 'items' })
    const { logs, ...outbox } = await session.peer.takeOutbox(await boundedFile(file))
    taken.push({ file, ...outbox, logs: await keepLogs(session.home, outbox.device, logs) })
  }
  return { taken }
}

/** An outbox, or all on a stick. */
async function outboxesAt(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const directory = basename(path) === outboxFolder ? path : join(path, outboxFolder)
  const names = await readdir(directory).catch(() => [])
  const files = names.filter(name => name.endsWith('.age')).sort()
  if (files.length > 0) return files.map(name => join(directory, name))
  throw new HintedError('no-outbox', `expected outboxes in ${directory}, got none`, {
    hint: 'Name a stick on which `thymesh carry out` has written, or a file.',
  })
}

async function boundedFile(file: string): Promise<Uint8Array> {
  const { size: bytes } = await stat(file)
  if (bytes <= limits.outbox + limits.activationLog) return await readFile(file)
  throw new HintedError(
    'no-outbox',
    `expected an outbox of at most ${size(limits.outbox)}, got ${size(bytes)}: ${file}`,
    {
      hint: 'Name the file of an outbox.',
    },
  )
}
