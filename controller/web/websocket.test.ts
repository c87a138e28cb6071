/** The server's side of a WebSocket, frame by frame: whole and cut messages, bounds, and back-pressure. */

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import { maxMessageParts, maxSocketMessageBytes } from './limits.ts'
import { closeCodes, WebSocketLink } from './websocket.ts'

const headers = { upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': `${'A'.repeat(22)}==` }

/** A frame as a browser sends it. */
function frame(opcode: number, body: string | Buffer, last = true): Buffer {
  const bytes = Buffer.from(body)
  const mask = Buffer.from([1, 2, 3, 4])
  const head = Buffer.alloc(bytes.length < 126 ? 2 : 4)
  head[0] = (last ? 0x80 : 0) | opcode
  head[1] = 0x80 | Math.min(bytes.length, 126)
  if (head.length === 4) head.writeUInt16BE(bytes.length, 2)
  return Buffer.concat([head, mask, bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0))])
}

function scene() {
  const [browser, socket] = duplexPair()
  const link = WebSocketLink.accept({ headers } as unknown as IncomingMessage, socket, Buffer.alloc(0))
  assert.ok(link)
  const told: (string | Buffer)[] = []
  let more = true
  let closed = 0
  link.listen({
    text: text => void told.push(text),
    bytes: bytes => {
      told.push(bytes)
      return more
    },
    drain: () => {},
    closed: () => {
      closed++
    },
  })
  const hold = (held: boolean) => {
    more = !held
  }
  return { browser, link, told, hold, closed: () => closed }
}

const settled = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)))

/** The code with which the link was closed; what comes before it is skipped. */
async function closeCode(browser: Duplex): Promise<number | undefined> {
  await settled()
  const bytes: Buffer = browser.read() ?? Buffer.alloc(0)
  return bytes.length > 4 && bytes.at(-4) === 0x88 ? bytes.readUInt16BE(bytes.length - 2) : undefined
}

describe('a WebSocket of the page', () => {
  it('takes messages whole and cut, with pings between them', async () => {
    const { browser, told } = scene()
    const all = [frame(1, 'one'), frame(1, 'tw', false), frame(9, ''), frame(0, 'o'), frame(2, Buffer.alloc(300, 7))]
    for (const byte of Buffer.concat(all)) browser.write(Buffer.from([byte]))
    await settled()
    assert.deepEqual(told, ['one', 'two', Buffer.alloc(300, 7)])
  })

  it('reads no further while the listener has enough', async () => {
    const { browser, link, told, hold } = scene()
    hold(true)
    browser.write(Buffer.concat([frame(2, 'a'), frame(2, 'b'), frame(1, 'c')]))
    await settled()
    assert.equal(told.length, 1)
    hold(false)
    link.resume()
    await settled()
    assert.deepEqual(told.map(String), ['a', 'b', 'c'])
  })

  it('closes for what no browser sends: no mask, too much, crumbs without end, text that is none', async () => {
    const long = Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.alloc(8), Buffer.from([1, 2, 3, 4])])
    long.writeBigUInt64BE(BigInt(maxSocketMessageBytes + 1), 2)
    const crumbs = Buffer.concat([frame(2, '', false), ...Array<Buffer>(maxMessageParts).fill(frame(0, '', false))])
    for (const [bytes, code] of [
      [Buffer.from([0x81, 1, 97]), closeCodes.protocol],
      [frame(0, 'goes on with nothing'), closeCodes.protocol],
      [long, closeCodes.tooLarge],
      [crumbs, closeCodes.tooLarge],
      [frame(1, Buffer.from([0xff])), closeCodes.unreadable],
    ] as const) {
      const { browser, told, closed } = scene()
      browser.write(bytes)
      assert.equal(await closeCode(browser), code)
      assert.deepEqual([told, closed()], [[], 1])
    }
  })
})
