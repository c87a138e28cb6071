/** A router on loopback that answers as a test says, by UDP and by HTTP: real sockets, and every kind of lie. */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Router } from '../../node/mesh/router/router.ts'

const usual = '127.0.0.2'

export interface RouterAnswers {
  /** To a datagram of PCP or NAT-PMP: any number of datagrams. */
  pcp?: (question: Buffer) => readonly Uint8Array[]
  /** To a search: texts, each from this address (the router's by default). `http` is where its HTTP is. */
  ssdp?: (http: string) => readonly { text: string; from?: string }[]
  /** How long it is searched for, in milliseconds: not long where no answer is a good one. */
  searchMs?: number
  http?: (request: IncomingMessage, body: string, response: ServerResponse) => void
}

export class LoopbackRouter {
  readonly router: Router
  /** Action or method of each request by HTTP. */
  readonly asked: string[]
  readonly #sockets: { values(): Iterable<Socket> }
  readonly #server: Server

  private constructor(init: {
    router: Router
    asked: string[]
    sockets: { values(): Iterable<Socket> }
    server: Server
  }) {
    this.router = init.router
    this.asked = init.asked
    this.#sockets = init.sockets
    this.#server = init.server
  }

  static async start({ pcp, ssdp, http, searchMs = 120_000 }: RouterAnswers, address = usual): Promise<LoopbackRouter> {
    const asked: string[] = []
    const server = createServer(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      asked.push(String(request.headers.soapaction ?? request.method).replace(/^.*#|"$/g, ''))
      http?.(request, Buffer.concat(parts).toString(), response)
    })
    server.listen(0, address)
    await once(server, 'listening')
    const at = `http://${address}:${(server.address() as AddressInfo).port}`
    const sockets = new Map<string, Socket>()
    const socketAt = async (ip: string) => {
      const known = sockets.get(ip)
      if (known !== undefined) return known
      const made = createSocket('udp4')
      sockets.set(ip, made)
      made.bind(0, ip)
      await once(made, 'listening')
      return made
    }
    const searched = await socketAt(address)
    searched.on('message', async (_, { address: to, port }) => {
      for (const { text, from = address } of ssdp?.(at) ?? []) (await socketAt(from)).send(text, port, to)
    })
    const mapper = createSocket('udp4')
    mapper.on('message', (question, { address: to, port }) => {
      for (const answer of pcp?.(question) ?? []) mapper.send(answer, port, to)
    })
    mapper.bind(0, address)
    await once(mapper, 'listening')
    const ports = { pcp: mapper.address().port, ssdp: searched.address().port }
    // Without an answer by PCP nobody listens: that is told at once.
    if (pcp === undefined) mapper.close()
    else sockets.set('mapper', mapper)
    const waits = { triesMs: [120_000], searchMs: ssdp === undefined ? 1 : searchMs }
    return new LoopbackRouter({ router: { address, local: '127.0.0.1', ports, waits }, asked, sockets, server })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.values()) socket.close()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** The answer to a search that names this place. */
export function located(at: string): string {
  return `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nLOCATION: ${at}\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n`
}

/** A description as routers have it, with this control URL. */
export function described(controlUrl: string): string {
  const type = 'urn:schemas-upnp-org:service:WANIPConnection:1'
  return `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><serviceList>
    <service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/other</controlURL></service>
    <service><serviceType>${type}</serviceType><serviceId>x</serviceId><controlURL>${controlUrl}</controlURL></service>
    </serviceList></device></root>`
}

export function fault(code: number): string {
  return `<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>${code}</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`
}
