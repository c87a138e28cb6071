/** Places that are unusual and right: they must not be told from others. */

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { runToEnd } from './helpers/processes.ts'

describe('a project in a folder with an odd name', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
  })
  after(() => fleet.remove())

  it('is built like any other', async () => {
    const project = join(fleet.directory, 'my fleet #1 – 100% ?')
    await mkdir(project)
    const options = { cwd: project, env: { GIT_TRACE: '1' } }
    const founded = await fleet.runWith(options, 'init', '.', '--no-passphrase', '--no-mdns', '--store', fleet.store)
    assert.equal(founded.code, 0, founded.stderr)
    assert.match(founded.stdout, /^Fleet my-fleet-1-100 is founded/)
    const { code, stdout, stderr } = await fleet.runWith(options, 'deploy', '--timeout', '0')
    assert.equal(code, 2, stderr)
    assert.match(stdout, /^Release 2: /)
    assert.equal((await runToEnd('git', ['status', '--porcelain'], { cwd: project, env: fleet.env })).stdout, '')
  })
})
