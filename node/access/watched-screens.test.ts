/** What programs of a device read of who watches its screens. */

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { type View, WatchedScreens } from './watched-screens.ts'

const ada: View = { screen: 'kiosk', name: 'ada', right: 'screen' }
const bob: View = { screen: 'kiosk', name: 'bob', right: 'screen:control' }

async function started(t: TestContext) {
  const folder = join(await testDirectory(t), 'watched')
  const watched = new WatchedScreens(folder)
  await watched.start()
  return { folder, watched, read: async () => await readFile(join(folder, 'kiosk'), 'utf8') }
}

describe('who watches', () => {
  it('is a line for each view, in a file that is gone with the last one', async t => {
    const { folder, watched, read } = await started(t)
    const again = { ...ada }
    await Promise.all([bob, ada, again].map(view => watched.begin(view)))
    assert.equal(await read(), 'ada screen\nada screen\nbob screen:control\n')
    await watched.end(bob)
    await watched.end(bob)
    await watched.end(ada)
    assert.equal(await read(), 'ada screen\n')
    await watched.end(again)
    assert.deepEqual(await readdir(folder), [])
  })

  it('is read by everybody on the device, and forgotten by a new daemon', async t => {
    const { folder, watched } = await started(t)
    await watched.begin(ada)
    const modes = await Promise.all([folder, join(folder, 'kiosk')].map(async path => (await stat(path)).mode & 0o777))
    assert.deepEqual(modes, [0o755, 0o644])
    await new WatchedScreens(folder).start()
    assert.deepEqual(await readdir(folder), [])
  })

  it('is an error where it cannot be written, and no reason to fail the next time', async t => {
    const { folder, watched, read } = await started(t)
    await mkdir(join(folder, 'kiosk'))
    await writeFile(join(folder, 'kiosk/in-the-way'), '')
    await assert.rejects(watched.begin(ada))
    await new WatchedScreens(folder).start()
    await watched.begin(bob)
    assert.equal(await read(), 'ada screen\nbob screen:control\n')
  })
})
