/** Tests of projects: what a project's file may say, where it is found, and what must hold before a deploy. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { cleanCommit, git } from './git.ts'
import { openProject, parseProject } from './project.ts'

const fleet = 'a'.repeat(64)
const text = (content: object) => JSON.stringify(content, null, 2)

describe("a project's file", () => {
  it('names the fleet and where its mesh may be found', () => {
    const bootstrap = ['/dns4/relay.example/tcp/4460']
    assert.deepEqual(parseProject(text({ fleet, name: 'orchard', bootstrap }), 'f'), {
      fleet,
      name: 'orchard',
      bootstrap,
    })
    assert.deepEqual(parseProject(text({ fleet, name: 'orchard' }), 'f').bootstrap, [])
    assert.equal(parseProject(text({ $schema: 'x', fleet, name: 'orchard' }), 'f').name, 'orchard')
  })

  it('is refused with the line of what is wrong, and what was expected', () => {
    const update = (autoUpdate: object) => text({ fleet, name: 'orchard', autoUpdate })
    const cases: [string, RegExp][] = [
      ['{', /^f:1:2: expected }/],
      ['[]', /^f:1:1: expected an object, got a list/],
      [text({ name: 'orchard' }), /^f:1:1: fleet: missing; expected a text/],
      [text({ fleet: 'x', name: 'orchard' }), /^f:2:12: fleet: expected a fleet ID \(64 hex digits\), got "x"/],
      [text({ fleet, name: 'The Orchard' }), /^f:3:11: name: expected a name .*, got "The Orchard"/],
      [text({ fleet, name: 'orchard', bootstrap: ['relay'] }), /^f:5:5: bootstrap\.0: expected a multiaddr/],
      [text({ fleet, name: 'orchard', colour: 'red' }), /^f:4:3: colour: unknown key; expected one of fleet, name/],
      [text({ fleet, nam: 'orchard' }), /nam: unknown key; .*did you mean name\?/],
      [update({ schedule: 'now and then' }), /schedule: expected a cron pattern such as/],
      [
        update({ schedule: '0 3 * * *', timeZone: 'Mars' }),
        /timeZone: expected a time zone such as Europe\/Berlin, got "Mars"/,
      ],
    ]
    for (const [wrong, said] of cases) assert.throws(() => parseProject(wrong, 'f'), withCode('invalid-project', said))
  })
})

describe('a project', () => {
  let directory: string
  const environment = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_TRACE: '1' }
  const saved = Object.fromEntries(Object.keys(environment).map(key => [key, process.env[key]]))

  before(async () => {
    // Output of git on standard error must not count as a change.
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

  it('says what git said when git fails', async () => {
    await assert.rejects(git(directory, ['rev-parse', 'nothing']), withCode('git-failed', /rev-parse failed.*nothing/s))
  })
})
