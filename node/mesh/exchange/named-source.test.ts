/** Tests of the documents of a head, from sources in memory: what is not named is not taken, and who is late is not waited for. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { namedDocumentsCodec } from '../../../protocol/messages/messages.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testFleet, testSigner } from '../../../test/helpers/fleet.ts'
import { withNamed } from './named-source.ts'

const peer: PeerId = peerIdFromString(peerIdOf(testSigner('peer').publicKey))
const { trusted } = testFleet().published
const head = { root: 1, timestamp: trusted.timestamp?.bytes ?? assert.fail() }
const wanted = new Uint8Array([1, 2, 3])
const single = new Uint8Array([4])

/** What comes for `wanted` from a peer that answers so, and how often it was asked for all and for one. */
async function came(answer: (signal: AbortSignal | undefined) => Promise<Uint8Array | undefined>) {
  const asked = { all: 0, one: 0 }
  const source = {
    ask: async (_: PeerId, request: object, _max: number, signal?: AbortSignal) => {
      assert.ok('named' in request)
      asked.all++
      return await answer(signal)
    },
    fetch: async () => {
      asked.one++
      return single
    },
  }
  const { signal } = new AbortController()
  const named = await withNamed(source, { accepted: undefined }, { peer, head, signal })
  return { bytes: await named.fetch(sha256(wanted), peer), ...asked }
}

describe('the documents of a head', () => {
  it('are not asked for again', async () => {
    const answer = namedDocumentsCodec.encode({ documents: [single, wanted] })
    assert.deepEqual(await came(async () => answer), { bytes: wanted, all: 1, one: 0 })
  })

  const others: Record<string, (signal?: AbortSignal) => Promise<Uint8Array | undefined>> = {
    'has another head': async () => undefined,
    'sends others': async () => namedDocumentsCodec.encode({ documents: [single] }),
    'sends rubbish': async () => new Uint8Array([255]),
    'knows no such request': async () => Promise.reject(new Error('unsupported')),
    'is late': signal => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  }
  for (const [how, answer] of Object.entries(others)) {
    it(`are asked for one by one where the peer ${how}`, async () => {
      assert.deepEqual(await came(answer), { bytes: single, all: 1, one: 1 })
    })
  }
})
