/** Tests of a meeting's end. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { withCode } from '../../../test/helpers/errors.ts'
import { meet } from './meet.ts'

const end = { ip: '192.0.2.1', port: 4460 }
const place = { ours: { ends: [], listens: [] }, theirs: { ends: [end], listens: [end] }, theirIp: end.ip, ourIps: [] }

function meeting(stop: AbortSignal): Promise<void> {
  const host = Object.assign(new EventTarget(), { peerId: 'a', getConnections: () => [] })
  const ownPort = {
    reach: async () => undefined,
    meet: async () => {
      throw new Error('aborted')
    },
  }
  return meet({ remotePeer: 'b' } as never, place, 1, { host, ownPort, stop } as never)
}

it('a meeting ends when the peer has stopped before it began', async () => {
  await assert.rejects(meeting(AbortSignal.abort()))
})

it('a meeting at no end that may be dialled is none', async () => {
  const nowhere = { ...place, theirs: { ends: [], listens: [] } }
  const host = { peerId: 'a' }
  const begun = meet({ remotePeer: 'b' } as never, nowhere, 1, { host, stop: new AbortController().signal } as never)
  await assert.rejects(begun, withCode('nowhere'))
})

// A packet that arrives between two tries of one side makes its NAT drop all others for minutes.
it('the two sides of a meeting do not end their tries at the same moments', async () => {
  const tryMs = async (peerId: string): Promise<number> => {
    const told = Promise.withResolvers<number>()
    const stop = new AbortController()
    const host = Object.assign(new EventTarget(), { peerId, getConnections: () => [] })
    const ownPort = {
      reach: async () => undefined,
      meet: async (_: unknown, tryMs: number) => {
        told.resolve(tryMs)
        throw new Error('over')
      },
    }
    await assert.rejects(meet({ remotePeer: 'b' } as never, place, 1, { host, ownPort, stop: stop.signal } as never))
    return await told.promise
  }
  const [lower, higher] = [await tryMs('a'), await tryMs('c')]
  const boundaries = [1, 2, 3, 4].map(n => ((n * higher) / lower) % 1)
  assert.ok(
    boundaries.every(part => part > 0.05 && part < 0.95),
    String(boundaries),
  )
})
