/** Sends a message by HTTP: no redirect is followed, and no address of a private network is called unless that is allowed. */

import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { replyBytes } from './limits.ts'

/** A message could not be sent: it is tried again. */
export class ChannelFailure extends ThymeshError<'not-sent' | 'private-address'> {}

export interface Post {
  readonly url: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** Whether addresses of private networks, and this machine's, may be called. */
  readonly private: boolean
  readonly signal: AbortSignal
}

const privateNetworks = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv6')
}
/** Clouds give machines their credentials there: no channel may call it. */
const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addSubnet('fe80::', 10, 'ipv6')
linkLocal.addAddress('fd00:ec2::254', 'ipv6')

/** Throws a ChannelFailure for an address that may not be called. */
export function requireAddress(address: string, allowsPrivate: boolean): void {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  const family = isIP(mapped) === 6 ? 'ipv6' : 'ipv4'
  const refused = linkLocal.check(mapped, family) || (!allowsPrivate && privateNetworks.check(mapped, family))
  if (!refused) return
  throw new ChannelFailure('private-address', `expected a public address, got ${address}`, {
    hint: 'Set "private": true in the channel where it is meant to be in this network.',
  })
}

/** Looks a name up and refuses the address, so that what is checked is what is called. */
export function guardedLookup(allowsPrivate: boolean): LookupFunction {
  return (name, options: LookupOptions, callback) => {
    dnsLookup(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 4)
      try {
        for (const { address } of addresses) requireAddress(address, allowsPrivate)
      } catch (thrown) {
        return callback(thrown as NodeJS.ErrnoException, '', 4)
      }
      const [first] = addresses as [LookupAddress, ...LookupAddress[]]
      if (options.all) callback(null, addresses as never, undefined as never)
      else callback(null, first.address, first.family)
    })
  }
}

/** Resolves when the server has taken it (2xx). Throws a ChannelFailure. */
export async function post({ url, body, headers, private: allowsPrivate, signal }: Post): Promise<void> {
  const at = new URL(url)
  const host = at.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) requireAddress(host, allowsPrivate)
  const send = at.protocol === 'https:' ? httpsRequest : httpRequest
  const status = await new Promise<number>((resolve, reject) => {
    const request = send(
      at,
      {
        method: 'POST',
        agent: false,
        signal,
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
        lookup: guardedLookup(allowsPrivate),
      },
      reply => {
        let size = 0
        reply.on('data', (part: Buffer) => {
          size += part.length
          if (size > replyBytes) reply.destroy()
        })
        reply.on('error', () => {})
        reply.on('close', () => resolve(reply.statusCode ?? 0))
      },
    )
    request.on('error', reject)
    request.end(body)
  }).catch((thrown: unknown) => {
    if (thrown instanceof ChannelFailure) throw thrown
    // The URL may hold a secret.
    throw new ChannelFailure('not-sent', `${at.host} can't be reached: ${messageOf(thrown)}`, { cause: thrown })
  })
  if (status >= 200 && status < 300) return
  const redirect = status >= 300 && status < 400 ? ', and redirects are not followed' : ''
  throw new ChannelFailure('not-sent', `expected status 200 of ${at.host}, got ${status}${redirect}`)
}
