/** Fuzz targets for input from this machine and the local network: HTTP requests, mDNS packets. */

import { createRequire } from 'node:module'
import { multiaddr } from '@multiformats/multiaddr'
import type { Packet } from 'dns-packet'
import { announcementPacket, isQueryFor, readAnnouncement } from '../../../node/mesh/discovery/mdns-records.ts'
import { parseRange, parseRequest } from '../../../node/store/cache/cache-request.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { mutateLines } from './mutate-values.ts'
import { type Target, UnstableError } from './target.ts'

/** The decoder that multicast-dns itself uses: what it throws, that library catches. */
const dns = createRequire(createRequire(import.meta.url).resolve('multicast-dns'))('dns-packet') as {
  decode(bytes: Buffer): Packet
  encode(packet: Packet): Buffer
}
/** A packet that isn't one: multicast-dns drops it. */
class NoPacketError extends Error {}

const service = '_thymesh-0123456789abcdef._udp.local'
const everywhere = { has: () => true }
const peer = peerIdOf(testSigner('device').publicKey)
const addresses = ['/ip4/192.0.2.1/tcp/4460', '/ip6/2001:db8::1/tcp/4460'].map(text => multiaddr(`${text}/p2p/${peer}`))

const hash = '0'.repeat(32)
const requests = [
  'GET /nix-cache-info\nHost: 127.0.0.1:4461',
  `GET /g7/${hash}.narinfo\nHost: localhost`,
  `HEAD /nar/${hash}-${'0'.repeat(52)}.nar\nHost: 127.0.0.1\nRange: bytes=5-`,
  `GET /nar/${hash}-${'0'.repeat(52)}.nar\nHost: 127.0.0.1\nRange: bytes=-5\nIf-Range: "x"\nContent-Length: 0`,
]

export const textTargets: readonly Target[] = [
  {
    name: 'cache request',
    seeds: requests.map(text => Buffer.from(text)),
    // It never throws: a request that isn't one is an answer, too.
    refusals: [],
    mutate: mutateLines,
    run: bytes => {
      const [first = '', ...lines] = Buffer.from(bytes).toString('latin1').split('\n')
      const [method = '', ...url] = first.split(' ')
      const headersDistinct: NodeJS.Dict<string[]> = {}
      for (const line of lines) {
        const [name = '', ...value] = line.split(': ')
        headersDistinct[name.toLowerCase()] = [...(headersDistinct[name.toLowerCase()] ?? []), value.join(': ')]
      }
      const target = parseRequest({ method, url: url.join(' '), headersDistinct })
      if (target.kind === 'refused' && (target.status < 400 || target.status > 499))
        throw new UnstableError('no refusal')
      if (target.kind !== 'refused' && headersDistinct.origin !== undefined)
        throw new UnstableError('a web page got in')
      const size = 1000
      const range = parseRange(headersDistinct.range?.[0], size)
      if (range === undefined || range === 'unsatisfiable') return
      if (!(range.start >= 0 && range.start < range.end && range.end <= size)) throw new UnstableError('no range')
    },
  },
  {
    name: 'mdns packet',
    seeds: [
      dns.encode({ type: 'query', questions: [{ name: service, type: 'PTR' }] }),
      dns.encode({ type: 'response', ...announcementPacket(service, 'instance', addresses, everywhere) }),
    ],
    refusals: [NoPacketError],
    run: bytes => {
      let packet: Packet
      try {
        packet = dns.decode(Buffer.from(bytes))
      } catch (cause) {
        throw new NoPacketError('no packet', { cause })
      }
      isQueryFor(packet, service)
      const found = readAnnouncement(packet, service, everywhere)
      if (found !== undefined && (found.addresses.length === 0 || found.addresses.length > 8)) {
        throw new UnstableError('expected 1 to 8 addresses')
      }
    },
  },
]
