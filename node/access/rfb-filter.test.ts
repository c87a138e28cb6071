/** The allow-list of what viewers of a screen may say, byte by byte. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RfbFilter } from './rfb-filter.ts'

const hello = Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([1, 0])])
const update = Buffer.from([3, 1, 0, 0, 0, 0, 0, 8, 0, 8])
const encodings = Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 255, 255, 255, 17])
const pixelFormat = Buffer.concat([Buffer.from([0]), Buffer.alloc(19)])
const fence = Buffer.from([248, 0, 0, 0, 0, 0, 0, 1, 2, 9, 9])
/** What types, points, pastes, resizes, and types in QEMU's way. */
const input = [
  Buffer.from([4, 1, 0, 0, 0, 0, 0, 97]),
  Buffer.from([5, 1, 0, 5, 0, 5]),
  Buffer.from([6, 0, 0, 0, 0, 0, 0, 3, 97, 98, 99]),
  Buffer.from([6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 2, 3, 4]),
  Buffer.concat([Buffer.from([251, 0, 0, 9, 0, 9, 1, 0]), Buffer.alloc(16)]),
  Buffer.concat([Buffer.from([255, 0]), Buffer.alloc(10)]),
]

/** What comes out, or the message of the error; given in pieces of so many bytes. */
async function through(control: boolean, bytes: Buffer, piece = bytes.length): Promise<Buffer | string> {
  const filter = new RfbFilter(control)
  const out: Buffer[] = []
  filter.on('data', (part: Buffer) => out.push(part))
  const ended = new Promise<string | undefined>(resolve => {
    filter.once('error', error => resolve(error.message))
    filter.once('end', () => resolve(undefined))
  })
  for (let at = 0; at < bytes.length; at += piece) filter.write(bytes.subarray(at, at + piece))
  filter.end()
  return (await ended) ?? Buffer.concat(out)
}

describe('what a viewer says to a screen', () => {
  const looking = [pixelFormat, encodings, update, fence]
  const mixed = Buffer.concat([hello, ...looking.flatMap((each, at) => [each, ...input.slice(at, at + 2)]), ...input])

  it('is only what looks, where it may not control, however it is cut', async () => {
    const shared = Buffer.concat([hello.subarray(0, 13), Buffer.from([1])])
    for (const piece of [1, 2, 3, 7, 1000]) {
      assert.deepEqual(await through(false, mixed, piece), Buffer.concat([shared, ...looking]))
    }
  })

  it('has pointer events of seven bytes from viewers that announced more buttons, and from no others', async () => {
    const announced = Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xfe, 0xc4])
    const more = Buffer.from([5, 0x81, 0, 5, 0, 5, 1])
    const plain = Buffer.from([5, 0x01, 0, 5, 0, 5])
    const eighth = Buffer.from([5, 0x80, 0, 5, 0, 5])
    for (const piece of [1, 6, 1000]) {
      const looks = await through(false, Buffer.concat([hello, announced, more, plain, update, more, fence]), piece)
      assert.deepEqual(looks.slice(14), Buffer.concat([announced, update, fence]))
      const controls = Buffer.concat([hello, announced, more, plain, update, more, fence])
      assert.deepEqual((await through(true, controls, piece)).slice(14), controls.subarray(14))
      const old = await through(false, Buffer.concat([hello, encodings, eighth, update]), piece)
      assert.deepEqual(old.slice(14), Buffer.concat([encodings, update]))
    }
  })

  it('is all of it, where it may', async () => {
    const out = await through(true, mixed)
    assert.ok(Buffer.isBuffer(out))
    // But for the flag that asks to be the only viewer.
    assert.deepEqual(out.subarray(14), mixed.subarray(14))
    assert.equal(out[13], 1)
  })

  it('ends with what is not known, too long, or of another version', async () => {
    assert.match(String(await through(true, Buffer.concat([hello, Buffer.from([77])]))), /of type 77/)
    assert.match(String(await through(true, Buffer.from('RFB 003.003\n'))), /another version/)
    assert.match(String(await through(true, Buffer.from('RFB 003.008\n\x02'))), /security type/)
    const paste = Buffer.concat([hello, Buffer.from([6, 0, 0, 0, 0x7f, 0, 0, 0])])
    assert.match(String(await through(false, paste)), /at most/)
  })
})
