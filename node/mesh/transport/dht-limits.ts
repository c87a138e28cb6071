/** Monkey patches for js-libp2p's kad-dht 16.4: it only finds peers, follows a bounded answer, and answers within budgets. */

import type { PeerId } from '@libp2p/interface'
import { dhtAnswerPeers } from '../limits.ts'

/** Bounds the DHT of a host. `answers` is asked for each request of a peer; a refused one ends its stream. */
export function boundDht(dht: unknown, answers: (peer: PeerId) => boolean): void {
  const { rpc, network } = (dht ?? {}) as Partial<Dht>
  if (rpc !== undefined) {
    keepNoRecords(rpc)
    budgetRequests(rpc, answers)
  }
  if (network !== undefined) boundAnswers(network)
}

/** Its provider records and values would stay in memory for days, as many as any member sends. */
function keepNoRecords({ handlers }: Rpc): void {
  for (const kind of ['ADD_PROVIDER', 'PUT_VALUE']) delete handlers[kind]
}

/** A stream carries any number of requests, each of some 50 bytes for an answer of up to 20 peers. */
function budgetRequests({ handlers }: Rpc, answers: (peer: PeerId) => boolean): void {
  for (const handler of Object.values(handlers)) {
    const handle = handler.handle.bind(handler)
    handler.handle = async (peer, message) => {
      if (!answers(peer)) throw new Error('too many DHT requests')
      return await handle(peer, message)
    }
  }
}

/** js-libp2p follows all peers of an answer: a member could make others dial thousands that it has invented. */
function boundAnswers(network: DhtNetwork): void {
  const ask = network._writeReadMessage.bind(network)
  network._writeReadMessage = async (...request) => {
    const answer = await ask(...request)
    return { ...answer, closer: answer.closer.slice(0, dhtAnswerPeers) }
  }
  // It emits the peers of an answer, whose addresses are then stored, in one turn.
  const emit = network.safeDispatchEvent.bind(network)
  let emitted = 0
  network.safeDispatchEvent = (...event) => {
    if (emitted === 0) queueMicrotask(() => (emitted = 0))
    return ++emitted <= dhtAnswerPeers && emit(...event)
  }
}

/** Internals of the DHT. */
interface Dht {
  readonly rpc: Rpc
  readonly network: DhtNetwork
}

interface Rpc {
  readonly handlers: Record<string, Handler>
}

interface Handler {
  handle(peer: PeerId, message: unknown): Promise<unknown>
}

interface DhtNetwork {
  _writeReadMessage(...request: unknown[]): Promise<{ closer: unknown[] }>
  safeDispatchEvent(...event: unknown[]): boolean
}
