/** A terminal in the page: one WebSocket shows it, types into it and resizes it. */

import { z } from 'zod'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { userSchema } from '../../protocol/release/access.ts'
import { maxColumns, maxRows } from '../ssh/limits.ts'
import type { Terminal, Viewer, WindowSize } from '../ssh/terminal.ts'
import type { Terminals } from '../ssh/terminals.ts'
import type { SocketKind } from './sockets.ts'
import type { KeyLocks } from './unlock.ts'
import { closeCodes } from './websocket.ts'

const sizeShape = { columns: z.int().min(2).max(maxColumns), rows: z.int().min(1).max(maxRows) }
const askSchema = z.union([
  z.strictObject({ open: z.strictObject({ device: z.string().min(1).max(200), user: userSchema, ...sizeShape }) }),
  z.strictObject({
    attach: z.strictObject({ id: z.string().max(40), from: z.int().min(0).max(Number.MAX_SAFE_INTEGER), ...sizeShape }),
  }),
])
const saidSchema = z.union([
  z.strictObject({ resize: z.strictObject(sizeShape) }),
  z.strictObject({ end: z.literal(true) }),
  z.strictObject({ beat: z.literal(true) }),
])

/**
 * Opening one takes unlocked keys; going on with one's own does not: it has been open all the time. A far device lets us in
 * after many seconds, in which the page's window may change, and the page may go.
 */
export function terminalLinks(terminals: Terminals, locks: Pick<KeyLocks, 'use'>): SocketKind {
  return async (link, ask, owner) => {
    const asked = askSchema.parse(ask)
    let terminal: Terminal | undefined
    let gone = false
    let size: WindowSize
    const viewer: Viewer = {
      from: offset => void link.send(JSON.stringify({ from: offset })),
      take: bytes => link.send(bytes),
      over: end => {
        link.send(JSON.stringify(end === 'elsewhere' ? { elsewhere: true } : { over: end }))
        link.close(closeCodes.done)
      },
    }
    link.listen({
      text: text => {
        const said = saidSchema.safeParse(jsonOf(text)).data
        if (said === undefined) link.close(closeCodes.protocol)
        else if ('resize' in said) {
          size = said.resize
          terminal?.resize(size)
        } else if ('beat' in said) link.send(JSON.stringify({ beat: true }))
        else if (terminal === undefined) link.close(closeCodes.done)
        else terminal.end('it was closed in the page')
      },
      bytes: bytes => {
        if (terminal !== undefined) return terminal.type(bytes, () => link.resume())
        link.close(closeCodes.protocol)
        return true
      },
      drain: () => terminal?.again(viewer),
      closed: () => {
        gone = true
        terminal?.detach(viewer)
      },
    })
    if ('open' in asked) {
      locks.use(owner)
      const { device, user, columns, rows } = asked.open
      size = { columns, rows }
      terminal = await terminals.open(owner, { device, user }, size)
      // Nobody was told its ID: nobody could come back to it.
      if (gone) return void terminal.end('the page has gone')
    } else {
      terminal = terminals.find(owner, asked.attach.id)
      const { columns, rows } = asked.attach
      size = { columns, rows }
    }
    const { id, place, recorded } = terminal
    link.send(JSON.stringify({ opened: { id, ...place, recorded } }))
    terminal.resize(size)
    terminal.attach(viewer, 'attach' in asked ? asked.attach.from : 0)
  }
}
