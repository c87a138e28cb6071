/** Tests of what the version before has left on the disk: a newer daemon takes up its update. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testStorePath } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { AttemptFolder } from './attempt-folder.ts'
import { Journal } from './journal.ts'

const [old, next] = [testStorePath('old'), testStorePath('new')]

/** As version 1 wrote it, in the middle of a site's update. */
const journalText = `v=1
state=probing
id=ship-7-2
release=7
site=ship
config=kiosk
target=portable
new=${next}
old=${old}
boot=0b7e1c1e-9f0e-4a55-8a55-5e5c6d1f2a3b
attempt=2
deadline=700
contacts=2
baseline=["old.service"]
policy={"attempts":5}
`

async function stateOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-before-'))
  t.after(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'journal'), journalText)
  const folder = join(directory, 'ship-7-2')
  await mkdir(folder)
  await writeFile(join(folder, 'attempt'), `id=ship-7-2\ntarget=portable\nnew=${next}\nold=${old}\nstore=\n`)
  await writeFile(join(folder, 'started'), '4711\n')
  await writeFile(join(folder, 'result'), '4\n')
  await writeFile(join(folder, 'output'), 'failed web.service\n')
  await symlink('commit', join(folder, 'decision'))
  return directory
}

describe('the update of the daemon before', () => {
  it('is read, with its folder', async t => {
    const directory = await stateOf(t)
    const entry = await new Journal({ log: silentLogger }, { directory }).read()
    assert.ok(entry)
    assert.deepEqual([entry.state, entry.site, entry.baseline], ['probing', 'ship', ['old.service']])
    const folder = new AttemptFolder(directory, entry)
    assert.deepEqual(
      [await folder.started(), await folder.code('result'), await folder.code('outcome'), await folder.decision()],
      [true, 4, undefined, 'commit'],
    )
    assert.equal(await folder.output(), 'failed web.service\n')
    assert.equal(await folder.wasStopped(), false)
  })

  it('compares failed units with its baseline, not wanted ones', async t => {
    const directory = await stateOf(t)
    const facts = { id: 'ship-7-2', target: 'portable', new: next, old } as const
    const folder = new AttemptFolder(directory, facts)
    assert.equal(await folder.countsWants(), false)
    await folder.prepare('')
    assert.equal(await folder.countsWants(), true)
  })

  it('says when its daemon was told to stop, until it goes on', async t => {
    const folder = new AttemptFolder(await stateOf(t), { id: 'ship-7-2', target: 'portable', new: next, old })
    await folder.markStopped(true)
    assert.equal(await folder.wasStopped(), true)
    await folder.markStopped(false)
    assert.equal(await folder.wasStopped(), false)
  })
})

// The journal names an update before anything of it is written: the power may go in between.
it('an attempt of which nothing was written can be decided', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-attempt-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const force of [true, false]) {
    const folder = new AttemptFolder(directory, { id: `2-${force}`, target: 'nixos', new: next, old })
    assert.equal(await folder.decide('roll-back', force), 'roll-back')
    assert.equal(await folder.decision(), 'roll-back')
  }
})
