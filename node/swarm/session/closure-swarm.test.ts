/** Tests of a closure's swarm over streams in memory: what one side loses, the other tells it of; and lanes that are silent. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { ChunkedClosure, memoryPath } from '../../../test/helpers/chunked-closure.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { noise, storePath } from '../../../test/helpers/planted-nar.ts'
import { testStreams } from '../../../test/helpers/streams.ts'
import type { LaneError } from '../../mesh/lane/lane-tls.ts'
import { Bitfield } from '../chunks/bitfield.ts'
import { Lane } from '../lane/lane.ts'
import { askEarlyBelow } from '../limits.ts'
import { ClosureSwarm } from './closure-swarm.ts'
import { FrameStream } from './frame-stream.ts'
import { Session } from './session.ts'
import { UploadLimiter } from './upload-limiter.ts'

const closure = await ChunkedClosure.of([memoryPath(storePath('a'), noise('a', 2_000_000))])
const { list } = closure

class Chunks {
  readonly here = new Map<number, Uint8Array>()
  readonly has = (number: number) => this.here.has(number)
  readonly read = async (number: number) => this.here.get(number)
  readonly put = async (number: number, bytes: Uint8Array) => void this.here.set(number, bytes)
  bitfield(): Bitfield {
    const all = new Bitfield(list.count)
    for (const number of this.here.keys()) all.add(number)
    return all
  }
}

/** Two neighbours, of which the first has all and the second has nothing, in one session. */
async function neighbours(t: TestContext, losses: boolean) {
  const [first, second] = [new Chunks(), new Chunks()]
  for (let number = 0; number < list.count; number++) first.here.set(number, await closure.chunk(number))
  const swarms = [first, second].map((chunks, i) => {
    return new ClosureSwarm({ list, chunks, log: silentLogger }, { self: `peer-${i}` })
  })
  const frames = testStreams().map(stream => new FrameStream(stream))
  const sessions = [first, second].map((chunks, i) => {
    const other = i === 0 ? second : first
    const uploads = new UploadLimiter({ peers: 16 })
    const session = new Session(
      { frames: frames[i] as FrameStream, list, chunks, uploads },
      {
        subject: { peer: `peer-${1 - i}`, group: `peer-${1 - i}` },
        local: true,
        theirs: other.bitfield(),
        theyWant: false,
        ours: chunks.bitfield(),
        weWant: false,
        losses,
      },
    )
    swarms[i]?.attach(session, { id: `peer-${1 - i}`, name: 'x', local: true, controller: false })
    return session
  })
  t.after(() => {
    for (const swarm of swarms) swarm.close()
  })
  const [a, b] = swarms as [ClosureSwarm, ClosureSwarm]
  return { first, second, a, b, sessions: sessions as [Session, Session] }
}

test('a chunk that was lost is told of by the neighbour that has it, and comes from there', async t => {
  const { first, second, a, b, sessions } = await neighbours(t, true)
  // From elsewhere: the first one has it, so it isn't told.
  second.here.set(0, await closure.chunk(0))
  b.announce(0)
  first.here.delete(0)
  const told = once(sessions[1], 'lost')
  a.lost([0])
  assert.deepEqual((await told)[0], [0])
  a.fetch([0])
  await a.available(0, t.signal)
  assert.ok(equalBytes(first.here.get(0) ?? new Uint8Array(), await closure.chunk(0)))
})

test('a chunk that a peer lost is not asked of it, and is when it has it again', async t => {
  const { first, second, a, b, sessions } = await neighbours(t, true)
  const bytes = await closure.chunk(1)
  first.here.delete(1)
  const told = once(sessions[1], 'lost')
  a.lost([1])
  await told
  b.fetch([1])
  const asked: unknown[] = []
  sessions[1].on('missing', chunks => asked.push(chunks))
  const came = b.available(1, t.signal)
  first.here.set(1, bytes)
  a.announce(1)
  await came
  assert.ok(equalBytes(second.here.get(1) ?? new Uint8Array(), bytes))
  assert.deepEqual(asked, [])
})

test('a chunk that is here still, somewhere else, is not told as lost', async t => {
  const { a, sessions } = await neighbours(t, true)
  const heard: unknown[] = []
  sessions[1].on('lost', chunks => heard.push(chunks))
  const wants = once(sessions[1], 'wants')
  a.lost([0, 1])
  a.fetch([])
  await wants
  assert.deepEqual(heard, [])
})

test('a peer of the version before is told of no loss, and sends none', async t => {
  const { first, a, sessions } = await neighbours(t, false)
  const wants = once(sessions[1], 'wants')
  first.here.delete(0)
  a.lost([0])
  a.fetch([])
  assert.deepEqual(await wants, [true])
  assert.equal(sessions[1].theirs.has(0), true)
})

test('requests that are gathered wait for no clock where little is on its way: a fetch goes on without any', async t => {
  const { second, b } = await neighbours(t, true)
  const numbers = Array.from({ length: list.count }, (_, number) => number)
  assert.ok(list.count > 2 * askEarlyBelow, 'expected more chunks than are asked for at once')
  t.mock.timers.enable({ apis: ['setTimeout'] })
  b.fetch(numbers)
  await Promise.all(numbers.map(number => b.available(number, t.signal)))
  assert.ok(second.bitfield().isFull)
})

for (const hasLane of [true, false]) {
  const what = hasLane
    ? 'ends its session, and the next one has none'
    : 'is asked no more, and stays if there is no lane'
  test(`a peer whose lane is silent ${what}`, async t => {
    const { first, b, sessions } = await neighbours(t, true)
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
    // As one whose lane a firewall swallows: it has all, and nothing of it comes.
    Object.assign(first, { read: () => new Promise(() => {}) })
    const [, session] = sessions
    let broken = 0
    let reason: unknown
    if (hasLane) session.useLane(new Lane(), () => broken++)
    session.on('closed', thrown => {
      reason = thrown
    })
    b.fetch([0])
    for (let second = 0; second < 40; second++) {
      t.mock.timers.tick(1000)
      await setImmediate()
    }
    assert.equal(session.closed, hasLane)
    assert.equal(broken, hasLane ? 1 : 0)
    assert.equal((reason as LaneError | undefined)?.code, hasLane ? 'timed-out' : undefined)
  })
}
