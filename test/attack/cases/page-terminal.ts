/** Who knocks at the page's WebSocket for terminals: other pages of the browser, programs without its token, and floods. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventLog } from '../../../controller/api/event-log.ts'
import { Tasks } from '../../../controller/tasks/tasks.ts'
import { helloMs, maxSocketMessageBytes, maxSockets } from '../../../controller/web/limits.ts'
import { PageServer } from '../../../controller/web/page-server.ts'
import { closeCodes } from '../../../controller/web/websocket.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { sessionOf } from '../../helpers/session.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { heapBytes } from '../memory.ts'

/** A device that nobody has: whoever gets through is told so, and whoever is told so got through. */
const ask = { open: { device: 'nobody', user: 'root', columns: 80, rows: 24 } }
const through = 'unknown-device'
const mask = Buffer.from([1, 2, 3, 4])

/** A frame as a browser sends it. */
function frame(opcode: number, body: string | Buffer): Buffer {
  const bytes = Buffer.from(body)
  const head = bytes.length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (head.length === 4 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(bytes.length, 2)
  else head.writeBigUInt64BE(BigInt(bytes.length), 2)
  return Buffer.concat([head, mask, bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0))])
}

/** One knock at the door, byte by byte: what it answers until it hangs up, or until it has answered so much. */
class Knock {
  readonly socket: Socket
  #answer = Buffer.alloc(0)
  #over = false

  constructor(port: number, headers: Readonly<Record<string, string>>, path = '/page/terminal') {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('error', () => {})
    this.socket.on('data', bytes => {
      this.#answer = Buffer.concat([this.#answer, bytes])
    })
    this.socket.once('close', () => {
      this.#over = true
    })
    const all = {
      ...{ Host: `127.0.0.1:${port}`, Upgrade: 'websocket', Connection: 'Upgrade' },
      ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': `${'A'.repeat(22)}==` },
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  }

  get text(): string {
    return this.#answer.toString('latin1')
  }

  get over(): boolean {
    return this.#over
  }

  async ended(): Promise<string> {
    await until(() => this.#over, 'the page to hang up')
    return this.text
  }
}

interface Scene {
  readonly port: number
  readonly origin: string
  /** Of a browser that is signed in, with unlocked keys. */
  readonly token: string
  goesOn(): Promise<void>
}

async function scene(arena: Arena): Promise<Scene> {
  const certificate = arena.fleet.certify(testSigner('victim'), { name: 'ada', role: 'controller' })
  const victim = await arena.victim({ certificate })
  const folder = await mkdtemp(join(tmpdir(), 'thymesh-page-'))
  arena.ending.after(() => rm(folder, { recursive: true, force: true }))
  const session = await sessionOf(victim, arena.fleet, folder)
  const tasks = await Tasks.open(join(folder, 'tasks'))
  const about = { pid: process.pid, command: 'serve', project: folder }
  const page = await PageServer.start({ api: { session, controller: about, events: new EventLog(), tasks }, port: 0 })
  arena.ending.after(() => page.stop())
  const { port } = new URL(page.address)
  const post = async (path: string, body: object, token = '') => {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
    return await fetch(`${page.address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  const signIn = async () => {
    const { token = '' } = (await (await post('page/session', { code: page.codes.make() })).json()) as {
      token?: string
    }
    await post('page/unlock', {}, token)
    return token
  }
  const token = await signIn()
  const origin = page.address.slice(0, -1)
  const goesOn = async () => {
    const knock = new Knock(Number(port), { Origin: origin })
    knock.socket.write(frame(1, JSON.stringify({ token, ask })))
    assert.match(await knock.ended(), new RegExp(`"code":"${through}"`), 'the browser that is signed in')
    await arena.goesOn(victim)
  }
  return { port: Number(port), origin, token, goesOn }
}

export const pageTerminalAttacks: readonly Attack[] = [
  {
    id: 'page-terminal-other-origin',
    power: 'network',
    tried:
      "as another page in the operator's browser, opens the page's terminal: from elsewhere, another port, a name that resolves to loopback",
    expected: 'refused before a word is said, even with the token',
    async run(arena) {
      const { port, origin, token, goesOn } = await scene(arena)
      const others: Record<string, string>[] = [
        { Origin: 'https://example.org' },
        { Origin: origin.replace(String(port), String(port + 1)) },
        { Origin: origin.replace('http', 'https') },
        { Origin: 'null' },
        {},
        { Origin: origin, 'Sec-Fetch-Site': 'cross-site' },
        { Origin: `http://evil.example:${port}`, Host: `evil.example:${port}` },
      ]
      for (const headers of others) {
        const knock = new Knock(port, headers)
        knock.socket.write(frame(1, JSON.stringify({ token, ask })))
        const answer = await knock.ended()
        assert.match(answer, /^HTTP\/1\.1 4\d\d /, JSON.stringify(headers))
        assert.ok(!answer.includes(through))
      }
      await goesOn()
    },
  },
  {
    id: 'page-terminal-no-bearer',
    power: 'local user',
    tried:
      'opens a terminal of the page without the token of a browser, with a guessed one, and with the real one where it does not belong',
    expected: 'not signed in: the token counts in the first message only, and no device is asked for',
    async run(arena) {
      const { port, origin, token, goesOn } = await scene(arena)
      const misplaced: { headers?: Record<string, string>; path?: string; said: unknown }[] = [
        { said: { ask } },
        { said: { token: '', ask } },
        { said: { token: randomBytes(32).toString('base64url'), ask } },
        { said: { token: `${token}x`, ask } },
        { said: { token: 'x'.repeat(5000), ask } },
        { said: { ask: { ...ask, token } } },
        { said: { token: '', ask }, headers: { Authorization: `Bearer ${token}` } },
        { said: { token: '', ask }, headers: { Cookie: `token=${token}` } },
        { said: { token: '', ask }, headers: { 'Sec-WebSocket-Protocol': token } },
        { said: { token: '', ask }, path: `/page/terminal?token=${token}` },
      ]
      for (const { headers = {}, path, said } of misplaced) {
        const knock = new Knock(port, { Origin: origin, ...headers }, path)
        knock.socket.write(frame(1, JSON.stringify(said)))
        const answer = await knock.ended()
        assert.ok(!answer.includes(through), JSON.stringify(said).slice(0, 100))
        assert.match(answer, /"error"/)
      }
      await goesOn()
    },
  },
  {
    id: 'page-terminal-garbage',
    power: 'local user',
    tried:
      'sends the WebSocket of the page messages over the bound, crumbs, bytes before the token, frames that no browser sends, and noise',
    expected: 'the link ends, with the code of what was wrong where it is a WebSocket still; the page answers others',
    async run(arena) {
      const { port, origin, goesOn } = await scene(arena)
      const closed = (code: number) => Buffer.from([0x88, 2, code >> 8, code & 0xff]).toString('latin1')
      const said: [Buffer, number | undefined][] = [
        [frame(2, randomBytes(100)), closeCodes.protocol],
        [frame(1, Buffer.from([0xff, 0xfe, 0xfd])), closeCodes.unreadable],
        [frame(1, Buffer.alloc(maxSocketMessageBytes + 1, 32)), closeCodes.tooLarge],
        [Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...mask]), closeCodes.tooLarge],
        [Buffer.from([0x81, 2, 0x7b, 0x7d]), closeCodes.protocol],
        [frame(11, 'reserved'), closeCodes.protocol],
        [frame(1, '['.repeat(100_000)), closeCodes.failed],
        ...Array.from({ length: 50 }, (): [Buffer, undefined] => [randomBytes(4096), undefined]),
      ]
      for (const [bytes, code] of said) {
        const knock = new Knock(port, { Origin: origin })
        knock.socket.write(bytes)
        // Noise may be the beginning of a frame that never ends.
        if (code === undefined) knock.socket.end()
        const answer = await knock.ended()
        if (code !== undefined)
          assert.ok(answer.includes(closed(code)), `${bytes.subarray(0, 8).toString('hex')}: ${code}`)
        assert.ok(!answer.includes(through))
      }
      await goesOn()
    },
  },
  {
    id: 'page-terminal-crowd',
    power: 'local user',
    alone: true,
    tried: 'opens 1,000 WebSockets of the page that never say who they are',
    expected: `at most ${maxSockets} at a time are taken, in bounded memory; they end after ${helloMs / 1000} seconds, and the operator gets in`,
    async run(arena) {
      const { port, origin, goesOn } = await scene(arena)
      const before = heapBytes()
      const knocks = Array.from({ length: 1000 }, () => new Knock(port, { Origin: origin }))
      arena.ending.after(async () => {
        for (const { socket } of knocks) socket.destroy()
      })
      const accepted = () => knocks.filter(({ text, over }) => text.includes(' 101 ') && !over).length
      let most = 0
      await until(() => {
        most = Math.max(most, accepted())
        return knocks.every(({ text, over }) => text !== '' || over)
      }, 'an answer to each')
      assert.ok(most > 0 && most <= maxSockets, `${most} were taken`)
      assert.ok(heapBytes() - before < 200e6)
      await until(() => knocks.every(({ over }) => over), 'the page to hang up')
      await goesOn()
    },
  },
]
