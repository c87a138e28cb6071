/** A terminal's link while a far device takes its time: the window may change, the page may go, and nothing stays behind. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Terminal } from '../ssh/terminal.ts'
import type { Terminals } from '../ssh/terminals.ts'
import { terminalLinks } from './terminal-link.ts'
import type { SocketListener, WebSocketLink } from './websocket.ts'

function scene() {
  const said: unknown[] = []
  const done: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<Terminal>()
  const terminal = {
    ...{ id: 'a', place: { device: 'kiosk-1', user: 'root' }, recorded: false },
    resize: (size: object) => void done.push(['resize', size]),
    attach: () => void done.push(['attach']),
    detach: () => void done.push(['detach']),
    end: (reason: string) => void done.push(['end', reason]),
  } as unknown as Terminal
  let listener: SocketListener | undefined
  const link = {
    send: (text: string) => said.push(JSON.parse(text)) > 0,
    close: (code: number) => void said.push(code),
    listen: (given: SocketListener) => {
      listener = given
    },
  } as unknown as WebSocketLink
  const terminals = { open: async () => await promise } as unknown as Terminals
  const kind = terminalLinks(terminals, { use: () => undefined })
  const over = kind(link, { open: { device: 'kiosk-1', user: 'root', columns: 80, rows: 24 } }, 'owner')
  return { said, done, over, opened: () => resolve(terminal), listener: () => listener as SocketListener }
}

describe("a terminal's link that opens", () => {
  it('answers beats, and keeps the last size of the window', async () => {
    const { said, done, over, opened, listener } = scene()
    listener().text('{"beat":true}')
    listener().text('{"resize":{"columns":100,"rows":30}}')
    opened()
    await over
    assert.deepEqual(said, [{ beat: true }, { opened: { id: 'a', device: 'kiosk-1', user: 'root', recorded: false } }])
    assert.deepEqual(done, [['resize', { columns: 100, rows: 30 }], ['attach']])
  })

  it('ends what has opened for nobody', async () => {
    const { done, over, opened, listener } = scene()
    listener().closed()
    opened()
    await over
    assert.deepEqual(done, [['end', 'the page has gone']])
  })

  it('takes nothing that is typed before there is a shell', () => {
    const { said, listener } = scene()
    assert.equal(listener().bytes(Buffer.from('rm')), true)
    assert.deepEqual(said, [1002])
  })
})
