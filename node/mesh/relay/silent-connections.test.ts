/** Tests of connections whose other side is gone. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { silentLogger } from '../../../test/helpers/log.ts'
import { until } from '../../../test/helpers/until.ts'
import { crossingMs } from '../limits.ts'
import { SilentConnections } from './silent-connections.ts'

type Told = 'answers' | 'refuses' | 'busy' | 'silent'

function connection(openedAt: number, told: Told = 'silent') {
  const maConn = { bytesRead: 7, bytesWritten: 7 }
  const made = {
    remotePeer: 'peer',
    status: 'open',
    timeline: { open: openedAt },
    maConn,
    told,
    ended: false,
    asked: 0,
  }
  return Object.assign(made, {
    abort: () => Object.assign(made, { ended: true, status: 'aborted' }),
  })
}

function watching(open: ReturnType<typeof connection>[], { member = true } = {}) {
  const host = new EventTarget()
  const made = new SilentConnections({
    host: Object.assign(host, { getConnections: () => open }) as never,
    admission: { member: () => (member ? ({} as never) : undefined) },
    reach: {
      ask: async (asked, _, signal) => {
        const made = asked as unknown as ReturnType<typeof connection>
        made.asked++
        const { told } = made
        if (told === 'busy') made.maConn.bytesRead++
        if (told === 'answers') return {}
        if (told === 'refuses') throw new Error('not spoken here')
        return await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
      },
    },
    log: silentLogger,
    answerMs: 20,
  })
  made.start()
  const opens = (detail: unknown) => {
    open.push(detail as (typeof open)[number])
    host.dispatchEvent(Object.assign(new Event('connection:open'), { detail: detail as Connection }))
  }
  return { opens, made }
}

describe('a member that connects anew', () => {
  it('loses an older connection that no longer answers', async () => {
    const old = connection(0)
    const young = connection(crossingMs)
    watching([old]).opens(young)
    await until(() => old.ended, 'the old connection to end')
    assert.equal(young.asked, 0)
  })

  it('keeps one that answers, refuses to, or brings something else meanwhile', async () => {
    const all = [connection(0, 'answers'), connection(0, 'refuses'), connection(0, 'busy'), connection(0)]
    watching([...all]).opens(connection(crossingMs))
    await until(() => all[3]?.ended, 'the silent one to end')
    assert.deepEqual(
      all.map(({ ended }) => ended),
      [false, false, false, true],
    )
  })

  it('loses one of the same moment only if it is still there, and silent, a while later', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const [other, young] = [connection(1), connection(2)]
    watching([other]).opens(young)
    t.mock.timers.tick(crossingMs - 1)
    assert.equal(other.asked, 0)
    t.mock.timers.tick(1)
    assert.deepEqual([other.asked, young.asked], [1, 0])
    t.mock.timers.reset()
    await until(() => other.ended, 'the silent one to end')
  })

  it('is not looked after by who has stopped', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const other = connection(1)
    const { opens, made } = watching([other])
    opens(connection(2))
    made.stop()
    t.mock.timers.tick(crossingMs)
    assert.equal(other.asked, 0)
  })

  it('must be a member', () => {
    const old = connection(0)
    watching([old], { member: false }).opens(connection(crossingMs))
    assert.equal(old.asked, 0)
  })
})

it('all connections are asked once at a time when the network is another one', async () => {
  const all = [connection(0), connection(7, 'answers')]
  const { made } = watching(all)
  made.askAll()
  made.askAll()
  await until(() => all[0]?.ended, 'the silent one to end')
  assert.deepEqual(
    all.map(({ asked }) => asked),
    [1, 1],
  )
})
