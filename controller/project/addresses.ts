/** Multiaddrs that people type. */

import { multiaddr } from '@multiformats/multiaddr'
import { HintedError } from '../../protocol/errors.ts'

export class AddressError extends HintedError<'not-an-address'> {}

export const addressExpectation = 'expected a multiaddr such as /ip4/192.168.1.10/tcp/4460'

export function isAddress(text: string): boolean {
  try {
    return multiaddr(text).getComponents().length > 0
  } catch {
    return false
  }
}

/** Throws an AddressError that names `source` when one of the addresses is none. */
export function checkAddresses(addresses: readonly string[], source: string): void {
  const wrong = addresses.find(address => !isAddress(address))
  if (wrong === undefined) return
  throw new AddressError('not-an-address', `${source}: ${addressExpectation}, got ${JSON.stringify(wrong)}`, {
    hint: 'Write the IP address and the TCP port as /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT.',
  })
}
