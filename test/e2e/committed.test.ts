/** Tests of commits with the real Nix and Git: a release has the committed files, and a check sees the same. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip, thisSystem } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { type Ended, runToEnd } from './helpers/processes.ts'

const said = (message: string) => ({ system: thisSystem, modules: { hello: { message } } })

describe('a release', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  /** The message of the config, as the newest release brings it. */
  async function released(): Promise<string> {
    const { configs } = await fleet.json<{ configs: { config: string; topLevel: string }[] }>('build')
    return await readFile(join(fleet.store, configs[0]?.topLevel ?? '', 'etc/hello'), 'utf8')
  }

  it('brings what was committed, not what was edited while it was built', async () => {
    await fleet.commit('One', { 'configs/hello.json': said('committed') })
    const onStart = (child: ChildProcess) => {
      child.stderr?.on('data', (text: Buffer) => {
        if (!/Building/.test(String(text))) return
        writeFileSync(join(fleet.project, 'configs/hello.json'), JSON.stringify(said('edited')))
      })
    }
    const ended = await fleet.runWith({ onStart }, 'deploy', '--timeout', '0')
    assert.equal(ended.code, 2, ended.stderr)
    assert.equal(await released(), 'edited\n', 'what is built now is what is edited now')
    await fleet.git('checkout', '-q', '--', '.')
    assert.equal(await released(), 'committed\n')
    const same = await fleet.run('deploy', '--timeout', '0')
    assert.match(same.stderr, /Nothing to deploy/, 'the release has what its commit has')
  })
})

describe('a project', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
  })
  after(() => fleet.remove())

  const git = async (cwd: string, ...args: string[]): Promise<void> => {
    const ended = await runToEnd('git', args, { cwd, env: fleet.env })
    assert.equal(ended.code, 0, `git ${args.join(' ')}: ${ended.stderr}`)
  }

  /** Founds one, and gives what runs commands in it. */
  async function found(directory: string) {
    await mkdir(directory, { recursive: true })
    const thymesh = (...args: string[]): Promise<Ended> => fleet.runWith({ cwd: directory }, ...args)
    const founded = await thymesh(
      'init',
      '.',
      '--name',
      'trial',
      '--no-passphrase',
      '--no-mdns',
      '--store',
      fleet.store,
    )
    assert.equal(founded.code, 0, founded.stderr)
    const write = (message: string) =>
      writeFileSync(join(directory, 'configs/hello.json'), JSON.stringify(said(message)))
    const built = async (place = directory) => {
      const ended = await fleet.runWith({ cwd: place }, 'build', '--json')
      assert.equal(ended.code, 0, ended.stdout)
      return await readFile(join(fleet.store, JSON.parse(ended.stdout).configs[0].topLevel, 'etc/hello'), 'utf8')
    }
    return { thymesh, write, built }
  }

  for (const name of ['ada@corp.example', 'p 1 ü']) {
    it(`in ${name} is built, checked and released as it is now`, async () => {
      const directory = join(fleet.directory, name)
      const { thymesh, write, built } = await found(directory)
      assert.equal(await built(), 'Hello from Thymesh\n')
      write('new')
      assert.equal(await built(), 'new\n', 'with uncommitted edits')
      await git(directory, 'commit', '-qam', 'New')
      assert.equal((await thymesh('deploy', '--force', '--timeout', '0')).code, 2)
      write('newer')
      await git(directory, 'commit', '-qam', 'Newer')
      const forced = await thymesh('deploy', '--force', '--timeout', '0')
      assert.equal(forced.code, 2, forced.stderr)
      assert.match((await thymesh('deploy', '--timeout', '0')).stderr, /Nothing to deploy/)
      assert.equal(await built(), 'newer\n')
      const module = await readFile(join(directory, 'modules/hello.nix'), 'utf8')
      writeFileSync(join(directory, 'modules/hello.nix'), module.replace('type = "string"', 'type = "strnig"'))
      const checked = await thymesh('check')
      assert.equal(checked.code, 1)
      assert.match(checked.stdout, /^modules\/hello\.nix.*strnig/m)
    })
  }

  it('may be a folder of a repository, and a shallow clone, a work tree or a link of it', async () => {
    const repository = join(fleet.directory, 'mono')
    await mkdir(repository)
    await git(repository, 'init', '-q')
    await git(repository, 'commit', '-q', '--allow-empty', '-m', 'Start')
    const { built, write, thymesh } = await found(join(repository, 'fleets/trial'))
    assert.equal(await built(), 'Hello from Thymesh\n')
    write('below')
    await git(repository, 'commit', '-qam', 'Below')
    assert.equal((await thymesh('deploy', '--timeout', '0')).code, 2)
    const at = (place: string) => join(fleet.directory, place)
    await git(repository, 'clone', '-q', '--depth', '1', `file://${repository}`, at('shallow'))
    await git(repository, 'worktree', 'add', '-q', '--detach', at('worktree'))
    await symlink(join(repository, 'fleets/trial'), at('link'))
    for (const place of ['shallow/fleets/trial', 'worktree/fleets/trial', 'link']) {
      assert.equal(await built(at(place)), 'below\n', place)
    }
  })
})

describe('a check', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  it('names what lies in the folder and would be in no release', async () => {
    await fleet.commit('Ignore', {
      '.gitignore': 'dist/\nsecond.json\n',
      'artifacts/site/index.html': '',
    })
    assert.equal((await fleet.run('check')).code, 0)
    await fleet.write({ 'artifacts/site/dist/app.js': '', 'devices/second.json': { config: 'hello' } })
    const { code, stdout } = await fleet.run('check')
    assert.equal(code, 1)
    assert.match(stdout, /^artifacts\/site\/dist: is ignored by Git/m)
    assert.match(stdout, /^devices\/second\.json: is ignored by Git/m)
    assert.equal((await fleet.error('deploy')).code, 'invalid-project')
  })

  it('blames no module for an input that is not locked or not there', async () => {
    await fleet.git('clean', '-qfdX')
    const flake = await readFile(join(fleet.project, 'flake.nix'), 'utf8')
    const withInput = (url: string) => ({
      'flake.nix': flake.replace('\n  outputs', `\n  inputs.extra.url = "${url}";\n  outputs`),
    })
    const extra = join(fleet.directory, 'extra')
    await mkdir(extra)
    writeFileSync(join(extra, 'flake.nix'), '{ outputs = { self }: { }; }')
    await fleet.write(withInput(`path:${extra}`))
    const unlocked = await fleet.run('check')
    assert.equal(unlocked.code, 1)
    assert.equal(
      unlocked.stdout,
      'flake.nix: the input extra is not locked in flake.lock: thymesh update extra\nOne problem; nothing was written.\n',
    )
    assert.equal((await fleet.run('update', 'extra')).code, 0)
    assert.equal((await fleet.run('check')).code, 0, 'locked now')
    await fleet.write(withInput('git+file:///nowhere/at/all'))
    const gone = await fleet.run('check')
    assert.equal(gone.code, 1)
    assert.match(
      gone.stdout,
      /^flake\.nix: .*\/nowhere\/at\/all['"] does not (?:appear to be a git repository|exist)\.?$/m,
    )
    assert.doesNotMatch(gone.stdout, /modules\/hello/)
  })
})
