/** Tests of packed answers: what is packed comes out as it went in, and the same bytes are packed once. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { wholeBody, wholeBytes } from '../api/whole-body.ts'
import { packed } from './packed.ts'

const list = new TextEncoder().encode(JSON.stringify({ devices: Array(100).fill({ device: 'kiosk-ä' }) }))
const json = (body: string | Uint8Array<ArrayBuffer> | ReadableStream) =>
  new Response(body, { status: 202, headers: { 'Content-Type': 'application/json', 'Thymesh-Last-Event': '7' } })
const textOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe('an answer for a browser', () => {
  it('is packed, with its status and its other headers', async () => {
    for (const body of [list, wholeBody(list)]) {
      const response = await packed(json(body), 'gzip, deflate, br')
      assert.equal(response.status, 202)
      assert.equal(response.headers.get('content-encoding'), 'gzip')
      assert.equal(response.headers.get('thymesh-last-event'), '7')
      assert.deepEqual(gunzipSync(await textOf(response)), Buffer.from(list))
    }
  })

  it('is packed once where its bytes are the same, also when headers were added to it', async () => {
    const answer = async () => {
      const given = json(wholeBody(list))
      return await wholeBytes(await packed(new Response(given.body, given), 'gzip'))
    }
    assert.equal(await answer(), await answer())
  })

  it('stays as it is where it is short, a stream, or for a browser that unpacks nothing', async () => {
    const short = await packed(json('{}'), 'gzip')
    assert.deepEqual([short.headers.get('content-encoding'), `${await textOf(short)}`], [null, '{}'])
    const plain = json(list)
    assert.equal(await packed(plain, 'identity'), plain)
    const stream = new Response(wholeBody(list), { headers: { 'Content-Type': 'text/event-stream' } })
    assert.equal(await packed(stream, 'gzip'), stream)
  })
})
