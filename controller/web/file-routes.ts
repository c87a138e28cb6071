/** Files of devices in the page: folders and downloads by requests, uploads by a WebSocket that says what is written. */

import { Readable } from 'node:stream'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { userSchema } from '../../protocol/release/access.ts'
import { optionsOf } from '../api/request.ts'
import type { RemoteFiles } from '../ssh/remote-files.ts'
import type { SocketKind } from './sockets.ts'
import { tellFailure } from './sockets.ts'
import type { KeyLocks } from './unlock.ts'
import { closeCodes } from './websocket.ts'

const placeShape = {
  device: z.string().min(1).max(200),
  user: userSchema,
  /** Absolute, or from the user's home on. */
  path: z
    .string()
    .min(1)
    .max(4096)
    .refine(text => !text.includes('\0'), { error: 'expected a path' }),
}
const placeSchema = z.strictObject(placeShape)
const uploadSchema = z.strictObject({ ...placeShape, size: z.int().min(0).max(Number.MAX_SAFE_INTEGER) })

export interface FileRoutes {
  readonly files: RemoteFiles
  readonly locks: Pick<KeyLocks, 'use'>
  /** The page's session of a request. Throws where there is none. */
  readonly owner: (context: Context) => string
}

/** Reading a device's files takes unlocked keys, as everything that uses the operator's rights. */
export function routeFiles(app: Hono, { files, locks, owner }: FileRoutes): void {
  app.get('/page/files', async context => {
    const id = owner(context)
    locks.use(id)
    const { path, ...place } = placeSchema.parse(optionsOf(context, placeSchema))
    return context.json(await files.list(id, place, path))
  })
  app.get('/page/file', async context => {
    const id = owner(context)
    locks.use(id)
    const { path, ...place } = placeSchema.parse(optionsOf(context, placeSchema))
    const { size, content } = await files.read(id, place, path)
    // Nobody reads the body of an answer to HEAD: the file would stay open on the device.
    if (context.req.method === 'HEAD') content.destroy()
    const body = Readable.toWeb(content) as ReadableStream<Uint8Array>
    // Never shown: a page of a device's disk would run here with our rights.
    return context.body(body, 200, {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment',
      'Thymesh-Size': String(size),
    })
  })
}

/** The pieces of an upload: as many wait here as the device is slower. */
export function uploads({ files, locks }: Pick<FileRoutes, 'files' | 'locks'>): SocketKind {
  return async (link, ask, owner) => {
    const { path, size, ...place } = uploadSchema.parse(ask)
    locks.use(owner)
    const waiting: Buffer[] = []
    let wake = () => {}
    let gone = false
    link.listen({
      text: () => link.close(closeCodes.protocol),
      bytes: bytes => {
        waiting.push(bytes)
        wake()
        return waiting.length < 8
      },
      drain: () => {},
      closed: () => {
        gone = true
        wake()
      },
    })
    async function* pieces(): AsyncGenerator<Uint8Array> {
      let came = 0
      while (came < size) {
        const next = waiting.shift()
        if (next !== undefined) {
          came += next.length
          if (came > size) throw new RangeError(`expected ${size} bytes, got more`)
          yield next
          link.resume()
        } else if (gone) throw new RangeError('the upload was given up')
        else
          await new Promise<void>(resolve => {
            wake = resolve
          })
      }
    }
    link.send(JSON.stringify({ begun: true }))
    try {
      await files.write(owner, place, path, pieces(), bytes => void link.send(JSON.stringify({ written: bytes })))
      link.send(JSON.stringify({ done: true }))
      link.close(closeCodes.done)
    } catch (thrown) {
      tellFailure(link, thrown)
    }
  }
}
