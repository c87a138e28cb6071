/** The command line as a stranger meets it: help, typing errors, exit codes. */

import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'

const usage = 64

describe('the command line', () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
  })
  after(() => fleet.remove())

  const suggestions: [args: string[], said: RegExp][] = [
    [['deplyo'], /unknown command 'deplyo'\n\(Did you mean deploy\?\)/],
    [['deploy', '--no-wiat'], /unknown option '--no-wiat'\n\(Did you mean --no-wait\?\)/],
    [['node', '--bootstarp', 'x'], /unknown option '--bootstarp'\n\(Did you mean --bootstrap\?\)/],
    [['rollback', '--to', 'yesterday'], /'--to <version>' argument 'yesterday' is invalid. Expected a whole number/],
    [['deploy', '--timeout', 'soon'], /'--timeout <seconds>' argument 'soon' is invalid. Expected seconds/],
    [['token', '--days', '0'], /'--days <n>' argument '0' is invalid. Expected whole days, 1 to 3650/],
    [['status', '--log', 'loud'], /Allowed choices are fatal, error/],
    [
      ['tag', 'add', 'x', '--priority', 'low'],
      /'--priority <number>' argument 'low' is invalid. Expected a whole number/,
    ],
    [['deploy', '-m', 'x'.repeat(1001)], /'-m, --message <text>' argument 'x+' is invalid. Expected at most 1000/],
    [['deploy', 'now'], /too many arguments for 'deploy'/],
    [[], /Usage: thymesh/],
  ]
  for (const [args, said] of suggestions) {
    it(`says what is wrong with: thymesh ${args.join(' ').slice(0, 60)}`, async () => {
      const { code, stdout, stderr } = await fleet.run(...args)
      assert.match(stderr, said)
      assert.deepEqual([code, stdout], [usage, ''])
    })
  }

  it('says so as one JSON object with --json', async () => {
    const { code, stdout, stderr } = await fleet.run('deploy', '--nope', '--json')
    assert.deepEqual([code, stderr], [usage, ''])
    const { error } = JSON.parse(stdout) as ErrorJson
    assert.deepEqual([error.code, error.message], ['usage', "unknown option '--nope'"])
  })

  it('explains commands and exit codes', async () => {
    const help = await fleet.run('--help')
    assert.deepEqual([help.code, help.stderr], [0, ''])
    for (const name of ['init', 'token', 'node', 'deploy', 'status', 'releases', 'rollback']) {
      assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'))
    }
    assert.match(help.stdout, /^Exit codes: /m)
    assert.match((await fleet.run('deploy', '--help')).stdout, /2 the time was over/)
  })

  it('checks the machine, and ends with 1 where something is wrong', async () => {
    const keys = join(fleet.home, 'some-fleet', 'keys')
    await mkdir(keys, { recursive: true })
    await writeFile(join(keys, 'root.key'), '', { mode: 0o644 })
    const { code, stdout, stderr } = await fleet.run('doctor', '--json')
    await rm(fleet.home, { recursive: true })
    assert.deepEqual([code, stderr], [1, ''])
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { check: string; message: string }[] }
    assert.equal(ok, false)
    assert.match(
      checks.find(({ check }) => check === 'key-files')?.message ?? '',
      /some-fleet\/keys\/root\.key \(0644\)/,
    )
  })

  it('needs a project', async () => {
    const error = await fleet.error('deploy')
    assert.equal(error.code, 'not-found')
    assert.match(error.message, /thymesh\.json/)
    assert.match(error.hint ?? '', /thymesh init/)
  })
})
