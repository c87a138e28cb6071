/** Screens as small pictures: whatever they show, it fits; and what is plain stays as it is. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { inflateSync } from 'node:zlib'
import { limits } from '../../protocol/limits.ts'
import { snapshotPngSchema } from '../../protocol/messages/snapshots.ts'
import { SnapshotPicture } from './snapshot-picture.ts'

/** Its width, its height and its pixels, each row behind its filter. */
async function pictured(width: number, height: number, line: (y: number) => Buffer) {
  const picture = new SnapshotPicture()
  picture.begin(width, height)
  for (let y = 0; y < height; y++) picture.line(0, y, line(y))
  const png = (await picture.png()) ?? Buffer.alloc(0)
  assert.ok(snapshotPngSchema.safeParse(Uint8Array.from(png)).success, `${width} × ${height}: ${png.length} bytes`)
  const [wide, high] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)))
  assert.equal(rows.length, (wide * 3 + 1) * high)
  return { wide, high, rows }
}

describe('a snapshot of a screen', () => {
  it('fits, whatever the screen shows and whichever form it has', async () => {
    for (const [width, height] of [
      [800, 450],
      [450, 800],
      [4000, 20],
      [3, 2],
      [1, 1],
    ] as const) {
      const { wide, high } = await pictured(width, height, () => randomBytes(width * 4))
      assert.ok(wide <= limits.screenSnapshotSide && high <= limits.screenSnapshotSide)
    }
  })

  it('has the colours of the screen, averaged', async () => {
    const green = Buffer.alloc(1920 * 4, Buffer.from([0x40, 0xc0, 0x20, 0]))
    const white = Buffer.alloc(1920 * 4, 0xff)
    const { wide, high, rows } = await pictured(1920, 1080, y => (y < 540 ? green : white))
    assert.deepEqual([wide, high], [480, 270])
    assert.equal(rows.subarray(1, 4).toString('hex'), '20c040')
    assert.equal(rows.subarray(-3).toString('hex'), 'ffffff')
  })
})
