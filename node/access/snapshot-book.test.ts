/** The snapshots that a device keeps: the newest ones, in their order, and nothing else that lies there. */

import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { limits } from '../../protocol/limits.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { png } from './png.ts'
import { SnapshotBook } from './snapshot-book.ts'

const picture = Uint8Array.from(png({ width: 1, height: 1, rgb: Buffer.from([1, 2, 3]) }))

describe('the snapshots that a device keeps', () => {
  it('are the newest, also without a clock', async t => {
    const folder = join(await testDirectory(t), 'snapshots')
    const book = new SnapshotBook(folder)
    assert.deepEqual(await book.list(), [])
    for (let each = 1; each < limits.screenSnapshots + 3; each++) await book.add('kiosk', undefined, picture)
    await book.add('lobby', '2026-01-31T12:00:00Z', picture)
    const list = await book.list()
    assert.equal(list.length, limits.screenSnapshots)
    assert.deepEqual(list[0], { screen: 'lobby', taken: '2026-01-31T12:00:00Z', number: limits.screenSnapshots + 3 })
    assert.deepEqual((await readdir(folder)).length, limits.screenSnapshots)
    assert.deepEqual(
      (await book.newest()).map(({ screen, taken }) => [screen, taken]),
      [
        ['lobby', '2026-01-31T12:00:00Z'],
        ['kiosk', undefined],
      ],
    )
  })

  it('are pictures only', async t => {
    const folder = await testDirectory(t)
    const book = new SnapshotBook(folder)
    for (const name of ['7.kiosk.none.png', 'draft', '8.Kiosk.none.png', '9.kiosk.then.png', '..png']) {
      await writeFile(join(folder, name), 'no picture')
    }
    assert.deepEqual(await book.list(), [{ screen: 'kiosk', number: 7 }])
    assert.deepEqual(await book.newest(), [])
    await book.add('kiosk', undefined, picture)
    assert.deepEqual(await book.newest(), [{ screen: 'kiosk', png: picture }])
  })
})
