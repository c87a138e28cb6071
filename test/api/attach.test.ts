/** A command attached to a task of a controller that says what no version would: it ends with an error, and asks once. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { attachThere } from '../../controller/cli/shell/attach.ts'
import { askAgainMs } from '../../controller/cli/shell/limits.ts'
import { withCode } from '../helpers/errors.ts'
import { testDirectory } from '../helpers/state.ts'

async function saying(t: TestContext, frame: string): Promise<{ file: string; asked: () => number }> {
  const file = join(await testDirectory(t), 'socket')
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(frame)
  })
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(file, resolve))
  return { file, asked: () => asked }
}

describe('a command attached to a task', () => {
  it('waits a little where its stream is cut again and again', async t => {
    const file = join(await testDirectory(t), 'socket')
    const asked: number[] = []
    const server = createServer((_, response) => {
      asked.push(performance.now())
      const frame = asked.length < 5 ? ': nothing\n\n' : 'event: task\ndata: {"id": 1}\n\n'
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(frame)
    })
    t.after(() => server.close())
    await new Promise<void>(resolve => server.listen(file, resolve))
    const attached = attachThere(file, async () => '000000000-00000000', { json: true })
    await assert.rejects(attached, withCode('not-understood'))
    const [first = 0, last = 0] = [asked[0], asked.at(-1)]
    assert.equal(asked.length, 5)
    // Timers may be a millisecond early.
    assert.ok(last - first >= 4 * (askAgainMs - 2), `${last - first} ms`)
  })

  for (const [what, frame] of Object.entries({
    'no JSON': 'event: output\ndata: {"from": 0, "text"\n\n',
    'output without a text': 'event: output\ndata: {"from": 0}\n\n',
    'a task that is none': 'event: task\ndata: {"id": 1}\n\n',
  })) {
    it(`ends at ${what}`, async t => {
      const { file, asked } = await saying(t, frame)
      const attached = attachThere(file, async () => '000000000-00000000', { json: true })
      await assert.rejects(attached, withCode('not-understood'))
      assert.equal(asked(), 1)
    })
  }
})
