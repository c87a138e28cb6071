/** A screen in the page: one WebSocket carries the RFB of one view, both ways, as bytes. */

import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { userSchema } from '../../protocol/release/access.ts'
import type { Screens } from '../ssh/screens.ts'
import type { SocketKind } from './sockets.ts'
import type { KeyLocks } from './unlock.ts'
import { closeCodes } from './websocket.ts'

const askSchema = z.strictObject({
  device: z.string().min(1).max(200),
  user: userSchema,
  control: z.boolean(),
})

/** It takes unlocked keys to begin a view. What the viewer may send is the device's to decide: here nothing of it is read. */
export function screenLinks(screens: Pick<Screens, 'open'>, locks: Pick<KeyLocks, 'use'>): SocketKind {
  return async (link, ask, owner) => {
    const asked = askSchema.parse(ask)
    const gone = new AbortController()
    let stream: Duplex | undefined
    link.listen({
      text: () => link.close(closeCodes.protocol),
      bytes: bytes => {
        // No viewer speaks before the screen has.
        if (stream === undefined) link.close(closeCodes.protocol)
        else if (!stream.destroyed && !stream.write(bytes)) {
          stream.once('drain', () => link.resume())
          return false
        }
        return true
      },
      drain: () => stream?.resume(),
      closed: () => {
        gone.abort(new Error('the page has gone'))
        stream?.destroy()
      },
    })
    locks.use(owner)
    const opened = await screens.open(asked, gone.signal)
    if (gone.signal.aborted) return void opened.destroy()
    stream = opened
    link.send(JSON.stringify({ opened: { control: asked.control } }))
    // A screen that ends by itself, as at a restart of its program, ends one direction only.
    opened.once('end', () => opened.destroy())
    opened.once('close', () => {
      link.send(JSON.stringify({ over: true }))
      link.close(closeCodes.done)
    })
    opened.on('data', (bytes: Buffer) => {
      if (!link.send(bytes)) opened.pause()
    })
    if (opened.destroyed) link.close(closeCodes.done)
  }
}
