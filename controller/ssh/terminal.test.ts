/** A terminal and its browsers, without a device: what each is shown, in which order, and that its end comes last. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import type ssh2 from 'ssh2'
import { unwatchedMs } from './limits.ts'
import { Terminal, type Viewer } from './terminal.ts'

async function scene() {
  const channel = Object.assign(new PassThrough(), { stderr: new PassThrough(), setWindow: () => {} })
  const client = Object.assign(new EventEmitter(), {
    shell: (_window: unknown, _options: unknown, done: (error: undefined, made: unknown) => void) =>
      done(undefined, channel),
    end: () => {},
    destroy: () => {},
  })
  const connection = { client: client as unknown as ssh2.Client, recorded: false }
  let ended = 0
  const terminal = await Terminal.open(
    'a',
    { device: 'kiosk-1', user: 'root' },
    connection,
    { columns: 80, rows: 24 },
    () => {
      ended++
    },
  )
  /** `takes` is how many pieces it takes before it is slow. */
  const view = (takes = Number.POSITIVE_INFINITY) => {
    const seen: unknown[] = []
    let left = takes
    const viewer: Viewer = {
      from: offset => void seen.push(offset),
      take: bytes => {
        seen.push(bytes.toString())
        return --left > 0
      },
      over: end => {
        seen.push(end)
        // As the link does, which closes.
        terminal.detach(viewer)
      },
    }
    return { viewer, seen }
  }
  return { terminal, channel, view, ended: () => ended }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

describe('a terminal', () => {
  it('shows a slow browser the last output before it says that it has ended', async () => {
    const { terminal, channel, view, ended } = await scene()
    const { viewer, seen } = view(1)
    terminal.attach(viewer, 0)
    channel.write('one ')
    await settled()
    channel.write('two')
    channel.emit('exit', 3)
    await settled()
    channel.emit('close')
    assert.deepEqual([seen, ended()], [[0, 'one '], 1])
    terminal.again(viewer)
    assert.deepEqual(seen, [0, 'one ', 'two', { code: 3, reason: null }])
  })

  it('goes on in another window from where that is, and tells the first one', async () => {
    const { terminal, channel, view } = await scene()
    const [first, second] = [view(), view()]
    terminal.attach(first.viewer, 0)
    channel.write('abcdef')
    await settled()
    terminal.attach(second.viewer, 4)
    channel.write('gh')
    await settled()
    assert.deepEqual(
      [first.seen, second.seen],
      [
        [0, 'abcdef', 'elsewhere'],
        [4, 'ef', 'gh'],
      ],
    )
    terminal.end('enough')
    assert.deepEqual(second.seen.at(-1), { code: null, reason: 'enough' })
  })

  it('ends when nobody has looked at it for an hour, and not while another window does', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { terminal, view, ended } = await scene()
    const [first, second] = [view(), view()]
    terminal.attach(first.viewer, 0)
    terminal.attach(second.viewer, 0)
    t.mock.timers.tick(unwatchedMs + 1)
    assert.equal(ended(), 0)
    terminal.detach(second.viewer)
    t.mock.timers.tick(unwatchedMs + 1)
    assert.equal(ended(), 1)
  })
})
