/** Tests of founding: what is there afterwards, and that a refusal leaves nothing behind. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { PassphraseError } from '../keys/passphrase.ts'
import { cleanCommit, git } from '../project/git.ts'
import { openProject } from '../project/project.ts'
import { type CreateFleetOptions, createFleet } from './create-fleet.ts'
import { FleetHome } from './fleet-home.ts'

const noPassphrase = new PassphraseError('no-passphrase', 'there is no terminal', { hint: 'Use one.' })

describe('founding a fleet', () => {
  let directory: string
  const savedHome = process.env.THYMESH_HOME
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'thymesh-found-'))
    process.env.THYMESH_HOME = join(directory, 'home')
  })
  afterEach(async () => {
    if (savedHome === undefined) delete process.env.THYMESH_HOME
    else process.env.THYMESH_HOME = savedHome
    await rm(directory, { recursive: true })
  })

  const foundIn = (name: string, options: Partial<CreateFleetOptions> = {}) =>
    createFleet({
      directory: join(directory, name),
      name: 'orchard',
      operator: 'ada',
      bootstrap: [],
      settings: { mdns: false },
      ...options,
    })

  it('makes keys that only their owner reads, and a project that is committed', async () => {
    const { fleet, directory: project } = await foundIn('project')
    assert.match(await cleanCommit(await openProject(project)), /^[0-9a-f]{40}$/)
    const home = new FleetHome(fleet)
    await home.keys()
    for (const file of await readdir(join(home.directory, 'keys'))) {
      assert.equal((await stat(join(home.directory, 'keys', file))).mode & 0o077, 0, file)
    }
    assert.equal((await home.nixKey()).name, 'orchard-1')
    assert.deepEqual((await home.settings()).mdns, false)
  })

  it('leaves what is there as it is, and commits only its own files', async () => {
    const project = join(directory, 'project')
    await mkdir(project)
    await git(project, ['init', '--quiet'])
    await writeFile(join(project, 'flake.nix'), '{ }')
    await writeFile(join(project, 'notes.txt'), 'mine')
    await git(project, ['add', 'notes.txt'])
    const { written } = await foundIn('project')
    assert.deepEqual(written, ['thymesh.json'])
    assert.equal(await readFile(join(project, 'flake.nix'), 'utf8'), '{ }')
    assert.deepEqual(await git(project, ['ls-tree', '--name-only', 'HEAD']), ['thymesh.json'])
    assert.deepEqual(await git(project, ['status', '--porcelain']), ['A  notes.txt', '?? flake.nix'])
  })

  const refusals: [what: string, name: string, options: Partial<CreateFleetOptions>, code: string][] = [
    ['in a folder that holds a project', 'taken', {}, 'exists'],
    ['in a file', 'file', {}, 'not-writable'],
    ['below a file', 'file/project', {}, 'not-writable'],
    ['with settings that are none', 'new', { settings: { listen: ['here'] } }, 'invalid'],
    ['without a passphrase', 'new', { passphrase: () => Promise.reject(noPassphrase) }, 'no-passphrase'],
  ]
  for (const [what, name, options, code] of refusals) {
    it(`is refused ${what}, and nothing was written`, async () => {
      await mkdir(join(directory, 'taken'))
      await writeFile(join(directory, 'taken/thymesh.json'), '{}')
      await writeFile(join(directory, 'file'), '')
      const before = await readdir(directory, { recursive: true })
      await assert.rejects(foundIn(name, options), withCode(code))
      assert.deepEqual(await readdir(directory, { recursive: true }), before)
    })
  }
})
