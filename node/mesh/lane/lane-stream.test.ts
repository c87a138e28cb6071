/** Tests of lanes that come when their stream is over. */

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { until } from '../../../test/helpers/until.ts'
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

/** A stream whose lane was lost before the other side has welcomed it, and whose direction then ends on the mesh. */
function inDoubt() {
  const mesh = Promise.withResolvers<undefined>()
  const channel = { ...(noChannel as object), rest: () => mesh.promise, abort() {} } as never
  let lost = 0
  const stream = new LaneStream(
    channel,
    () => {},
    () => lost++,
  )
  const heard: string[] = []
  stream.on('end', () => heard.push('end')).on('error', () => heard.push('error'))
  stream.resume()
  const lane = new PassThrough() as unknown as TLSSocket & PassThrough
  lane.setNoDelay = () => lane
  lane.setKeepAlive = () => lane
  stream.dialled(lane)
  lane.destroy()
  return { stream, heard, lost: () => lost, endOnMesh: () => mesh.resolve(undefined) }
}

it('the end on the mesh is the end once the other side has said that it uses no lane', async () => {
  const { stream, heard, lost, endOnMesh } = inDoubt()
  await until(() => lost() === 1, 'the lane to be lost')
  endOnMesh()
  await setImmediate()
  assert.deepEqual([heard, stream.destroyed, stream.hasLane], [[], false, false])
  stream.settled()
  await until(() => heard.length > 0, 'the end')
  assert.deepEqual(heard, ['end'])
  stream.destroy()
})

it('a stream is broken where nobody knows whether the other side uses the lane that was lost', async () => {
  const { stream, heard, lost, endOnMesh } = inDoubt()
  await until(() => lost() === 1, 'the lane to be lost')
  endOnMesh()
  stream.unsettled()
  await until(() => heard.length > 0, 'the error')
  assert.deepEqual(heard, ['error'])
})
