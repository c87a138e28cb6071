/** Tests of projects: what a project's file may say, where it is found, and what must hold before a deploy. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { withCode } from '../test/helpers/errors.ts'
import { checkDataFiles, cleanCommit, git, openProject, parseProject } from './project.ts'

const fleet = 'a'.repeat(64)
const text = (content: object) => JSON.stringify(content)

describe("a project's file", () => {
  it('names the fleet and where its mesh may be found', () => {
    const bootstrap = ['/dns4/relay.example/tcp/4460']
    assert.deepEqual(parseProject(text({ fleet, name: 'orchard', bootstrap }), 'f'), {
      fleet,
      name: 'orchard',
      bootstrap,
    })
    assert.deepEqual(parseProject(text({ fleet, name: 'orchard' }), 'f').bootstrap, [])
  })

  it('is refused with the key that is wrong', () => {
    const cases: [string, RegExp][] = [
      ['{', /^f: expected JSON/],
      ['[]', /^f: /],
      [text({ name: 'orchard' }), /^f: fleet: /],
      [text({ fleet: 'x', name: 'orchard' }), /^f: fleet: expected a fleet ID/],
      [text({ fleet, name: 'The Orchard' }), /^f: name: expected a name/],
      [text({ fleet, name: 'orchard', bootstrap: ['relay'] }), /^f: bootstrap\.0: expected a multiaddr/],
      [text({ fleet, name: 'orchard', bootstrap: [''] }), /^f: bootstrap\.0: expected a multiaddr/],
      [text({ fleet, name: 'orchard', colour: 'red' }), /"colour"/],
    ]
    for (const [wrong, said] of cases) assert.throws(() => parseProject(wrong, 'f'), withCode('invalid', said))
  })
})

describe('a project', () => {
  let directory: string
  const environment = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_TRACE: '1' }
  const saved = Object.fromEntries(Object.keys(environment).map(key => [key, process.env[key]]))

  before(async () => {
    // What git says on standard error must not count as a change.
    Object.assign(process.env, environment)
    directory = await realpath(await mkdtemp(join(tmpdir(), 'thymesh-project-')))
    await mkdir(join(directory, 'devices'))
    await writeFile(join(directory, 'thymesh.json'), text({ fleet, name: 'orchard' }))
    await git(directory, ['init', '--quiet'])
  })
  after(async () => {
    for (const [key, value] of Object.entries(saved)) {
      if (value === undefined) delete process.env[key]
      else process.env[key] = value
    }
    await rm(directory, { recursive: true })
  })

  it('is found from each folder below', async () => {
    assert.equal((await openProject(join(directory, 'devices'))).directory, directory)
    assert.equal((await openProject(join(directory, 'not/there'))).directory, directory)
    await assert.rejects(openProject('/'), withCode('not-found', /thymesh\.json/))
  })

  it('has to be committed, all of it', async () => {
    const project = await openProject(directory)
    await assert.rejects(cleanCommit(project), withCode('dirty', /\?\? thymesh\.json/))
    await git(directory, ['add', '-A'])
    await git(directory, ['-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '--quiet', '-m', 'Start'])
    assert.match(await cleanCommit(project), /^[0-9a-f]{40}$/)
    await writeFile(join(directory, 'devices/new.json'), '{}')
    await assert.rejects(cleanCommit(project), withCode('dirty', /\?\? devices\//))
  })

  it('has data files that are JSON and whose names a fleet can have', async () => {
    const project = await openProject(directory)
    await checkDataFiles(project)
    await writeFile(join(directory, 'devices/b.json'), '{ "config": ')
    await assert.rejects(checkDataFiles(project), withCode('invalid', /^devices\/b\.json: expected JSON/))
    await writeFile(join(directory, 'devices/A.json'), '{}')
    await assert.rejects(checkDataFiles(project), withCode('invalid', /^devices\/A\.json: expected a name/))
  })

  it('says what git said when git fails', async () => {
    await assert.rejects(git(directory, ['rev-parse', 'nothing']), withCode('git-failed', /rev-parse failed.*nothing/s))
  })
})
