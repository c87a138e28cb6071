/** Tests of reading events: frames in parts of any size, and texts with whatever JSON leaves as it is. */

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { type EventFrame, eventFrames } from './event-frames.ts'

async function read(...parts: (string | Uint8Array)[]): Promise<EventFrame[]> {
  return await Array.fromAsync(eventFrames(Readable.from(parts.map(part => Buffer.from(part)))))
}

describe('events of a stream', () => {
  it('come whole, however the bytes are cut, without those that only keep the connection alive', async () => {
    const text = 'id: a-1\n:\n\n:\n\nid: a-2\nevent: task\ndata: {"of":"Zürich"}\n\ndata: 1\n\n'
    const wanted = [
      { event: 'task', id: 'a-2', data: '{"of":"Zürich"}' },
      { event: 'message', id: undefined, data: '1' },
    ]
    assert.deepEqual(await read(text), wanted)
    assert.deepEqual(await read(...[...Buffer.from(text)].map(byte => Uint8Array.of(byte))), wanted)
  })

  it('keep line separators of Unicode, which JSON does not escape', async () => {
    const data = JSON.stringify({ message: 'one\u2028two\u2029three' })
    assert.deepEqual(await read(`event: device\ndata: ${data}\n\n`), [{ event: 'device', id: undefined, data }])
  })
})
