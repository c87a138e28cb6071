/** Tests of lanes that come when their stream is over. */

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import { LaneStream } from './lane-stream.ts'

const noChannel = { stream: new EventTarget(), close: async () => {} } as never

for (const how of ['accepted', 'dialled'] as const) {
  it(`a lane that is ${how} after the connection of the mesh has ended gets nothing`, () => {
    const stream = new LaneStream(noChannel, () => {})
    const written: Buffer[] = []
    const lane = new PassThrough().on('data', (bytes: Buffer) => written.push(bytes))
    stream.cut()
    stream[how](lane as never)
    assert.deepEqual([lane.destroyed, stream.hasLane, written.length], [true, false, 0])
  })
}
