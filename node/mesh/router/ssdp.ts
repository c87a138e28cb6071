/**
 * Looks for the router's UPnP description by SSDP (UPnP Device Architecture 1.1, section 1.3). Anyone in the network can
 * answer, and name any address: only the router is listened to, and only what lies on the router itself is taken.
 */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { absent } from './asked.ts'
import type { Router } from './router.ts'

const group = '239.255.255.250'
/** One of version 2 answers to both. */
const kinds = [1, 2].map(version => `urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`)

/** Where the router's description is. Rejects with `absent` if the router doesn't answer in time. */
export async function findDescription(router: Router, signal: AbortSignal): Promise<URL> {
  const socket = createSocket('udp4')
  const over = new AbortController()
  try {
    const found = locationFrom(socket, router)
    found.catch(() => {})
    socket.bind(0, router.local)
    await once(socket, 'listening').catch(() => {
      throw absent('UPnP')
    })
    const late = sleep(router.waits.searchMs, undefined, { signal: AbortSignal.any([signal, over.signal]) })
    for (const kind of kinds) search(socket, kind, router)
    const location = await Promise.race([found, late])
    if (location === undefined) throw absent('UPnP')
    return location
  } finally {
    over.abort()
    socket.close()
  }
}

/** To all, as the standard says, and to the router: not every switch passes multicast on. */
function search(socket: Socket, kind: string, { address, ports }: Router): void {
  const lines = ['M-SEARCH * HTTP/1.1', `HOST: ${group}:1900`, 'MAN: "ssdp:discover"', 'MX: 1', `ST: ${kind}`, '', '']
  for (const to of [group, address]) socket.send(lines.join('\r\n'), ports.ssdp, to, () => {})
}

function locationFrom(socket: Socket, router: Router): Promise<URL> {
  return new Promise((resolve, reject) => {
    socket.on('error', () => reject(absent('UPnP')))
    socket.on('message', (message, { address }) => {
      if (address !== router.address) return
      const location = locationIn(message.toString('latin1'), router)
      if (location !== undefined) resolve(location)
    })
  })
}

/** The address in an answer to a search, if it is one of the router's by HTTP. */
function locationIn(answer: string, router: Pick<Router, 'address'>): URL | undefined {
  if (!/^HTTP\/1\.[01] 200/.test(answer)) return undefined
  const text = /^location:[ \t]*(\S{1,500})[ \t]*\r?$/im.exec(answer)?.[1]
  return text === undefined ? undefined : onRouter(text, router)
}

/** A URL, if necessary relative to another one, that lies on the router; undefined for all others. */
export function onRouter(text: string, { address }: Pick<Router, 'address'>, base?: URL): URL | undefined {
  const url = URL.parse(text, base?.href)
  const isThere = url?.protocol === 'http:' && url.hostname === address && url.username === '' && url.password === ''
  return isThere ? url : undefined
}
