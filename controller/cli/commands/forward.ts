/** `thymesh forward`: ports and sockets of a device on this machine, at an address of the device's own. */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { receiveMessage, sendMessage } from '../../../node/access/duplex-messages.ts'
import { accepted } from '../../../node/access/open-access.ts'
import { listenAt } from '../../../node/files/unix-socket.ts'
import { HintedError, messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { accessVerdictCodec, forwardHelloCodec } from '../../../protocol/messages/access.ts'
import { forwardTargetSchema } from '../../../protocol/release/access.ts'
import { joinStreams } from '../../session/join-streams.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { forwardTicket } from '../shell/forward-ticket.ts'
import { untilLeft } from '../shell/leaving.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { targetNamed } from '../shell/ssh-client.ts'

export interface ForwardOptions extends ProjectOptions {
  device: string
  to: string
  user: string
  wait: number
  local?: string
  identity: string[]
  open: boolean
}

const connectMs = 15_000
/** Where a port of this machine is for root only, it is found this much higher. */
const highPorts = 8000

export async function forward(options: ForwardOptions): Promise<number> {
  const to = targetOf(options.to)
  return await withAccess(options, async access => {
    const { fleetId, devices } = await access.ask('sshTargets', {}, newsSeconds)
    const target = targetNamed(devices, options.device)
    const { user, wait, identity } = options
    const ticket = await forwardTicket(access, { target, user, wait, identity, right: 'forward' })
    const way = { access, device: target.device, ticket, to, wait, user }
    // One that fails is told at once, not by the first page that stays empty.
    ;(await connection(way)).destroy()
    const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => void serve(way, socket, options))
    const at = await listen(server, addressOf(fleetId, target.device), to, options.local)
    const url = at.startsWith('/') ? null : `http://${at}/`
    print(
      options,
      { device: target.device, to, local: at, url },
      `${target.device}: ${to} is at ${url ?? at}. Ctrl-C ends it.`,
    )
    if (options.open && url !== null) openBrowser(url, options)
    await untilLeft(left => new Promise<void>(done => left.addEventListener('abort', () => done(), { once: true })))
    server.close()
    return exitCodes.done
  })
}

interface Way {
  readonly access: Access
  readonly device: string
  readonly ticket: Uint8Array
  readonly to: string
  readonly user: string
  readonly wait: number
}

async function connection({ access, device, ticket, to, wait, user }: Way) {
  const stream = await access.openStream({ device, wait })
  stream.on('error', () => {})
  try {
    sendMessage(stream, forwardHelloCodec, { v: 1, ticket, to })
    accepted(await receiveMessage(stream, accessVerdictCodec, AbortSignal.timeout(connectMs)), user)
    return stream
  } catch (thrown) {
    stream.destroy()
    throw thrown
  }
}

async function serve(way: Way, socket: Socket, options: ForwardOptions): Promise<void> {
  socket.on('error', () => {})
  try {
    joinStreams(socket, await connection(way))
  } catch (thrown) {
    const hint = thrown instanceof ThymeshError && thrown.hint !== undefined ? ` ${thrown.hint}` : ''
    note(options, `${way.to}: ${messageOf(thrown)}.${hint}`)
    socket.destroy()
  }
}

/** A port of the device's loopback, `tcp:HOST:PORT`, `HOST:PORT`, `unix:/PATH` or `/PATH`. Throws a HintedError. */
function targetOf(text: string): string {
  const target = /^\d+$/.test(text)
    ? `tcp:127.0.0.1:${text}`
    : text.startsWith('/')
      ? `unix:${text}`
      : /^(?:tcp|unix):/.test(text)
        ? text
        : `tcp:${text}`
  if (forwardTargetSchema.safeParse(target).success && !target.endsWith(':*')) return target
  throw new HintedError(
    'invalid-target',
    `expected a port, HOST:PORT or /PATH of a socket, got ${JSON.stringify(text)}`,
    {
      hint: 'For example: thymesh forward kiosk-1 80, thymesh forward kiosk-1 unix:/run/app.sock',
    },
  )
}

/** Each device has an address of loopback of its own, always the same: cookies and storage of two devices' pages never mix. */
function addressOf(fleet: string, device: string): string {
  const [x = 0, y = 0] = createHash('sha256').update(`${fleet}/${device}`).digest()
  return `127.71.${x}.${1 + (y % 254)}`
}

async function listen(server: Server, address: string, to: string, local: string | undefined): Promise<string> {
  if (local !== undefined && !/^\d{1,5}$/.test(local)) {
    const file = resolve(local)
    await listenAt(server, file)
    return file
  }
  const same = to.startsWith('tcp:') ? Number(to.slice(to.lastIndexOf(':') + 1)) : 0
  const wanted = local === undefined ? same : Number(local)
  const tries = local === undefined && wanted > 0 && wanted < 1024 ? [wanted, wanted + highPorts] : [wanted]
  for (const [index, port] of tries.entries()) {
    try {
      await listening(server, address, port)
      const bound = server.address()
      return `${address}:${typeof bound === 'object' && bound !== null ? bound.port : port}`
    } catch (thrown) {
      if (index < tries.length - 1 && thrown instanceof Error && 'code' in thrown && thrown.code === 'EACCES') continue
      throw new HintedError('port-unavailable', `${address}:${port} can't be listened on: ${messageOf(thrown)}`, {
        hint: 'Choose another port of this machine with --local PORT.',
        cause: thrown,
      })
    }
  }
  throw new RangeError('unreachable')
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      done()
    })
  })
}

function openBrowser(url: string, options: ForwardOptions): void {
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true })
  child.once('error', error => note(options, `No browser was opened: ${messageOf(error)}`))
  child.unref()
}
