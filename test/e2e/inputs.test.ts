/** Inputs, builds and auto-update with the real Nix and Git: what is added, compared, moved, and left alone when it is broken. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { replaceOnce } from '../helpers/replace.ts'
import { nixSkip, thisSystem } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { type Ended, runToEnd } from './helpers/processes.ts'

interface DiffJson {
  configs: { config: string; added: { name: string }[]; changed: object[]; bytesBefore: number; bytesAfter: number }[]
  devices: { device: string; before: string | null; after: string | null }[]
}

describe('inputs and builds', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let extra = ''
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    extra = join(fleet.directory, 'extra')
    await publish('{ }', 'one')
  })
  after(() => fleet.remove())

  /** A repository of modules, as somebody else has it. */
  async function publish(settings: string, text: string): Promise<void> {
    await mkdir(join(extra, 'modules'), { recursive: true })
    await writeFile(join(extra, 'thymesh-repository.json'), '{ "displayName": "Extra" }')
    await writeFile(join(extra, 'flake.nix'), '{ outputs = { self }: { }; }')
    await writeFile(
      join(extra, 'modules/note.nix'),
      `{ settings = ${settings}; portable = { ... }: { etc."note".text = "${text}"; }; }`,
    )
    const git = async (...args: string[]) => {
      const ended = await runToEnd('git', args, { cwd: extra, env: fleet.env })
      assert.equal(ended.code, 0, ended.stderr)
    }
    await git('init', '-q')
    await git('add', '-A')
    await git('commit', '-qm', text)
  }

  /** Runs a command, and counts the evaluations of the whole project in it. */
  async function countingEvaluations(...args: string[]): Promise<{ ended: Ended; evaluations: number }> {
    const folder = join(fleet.directory, 'counting')
    const asked = join(folder, 'asked')
    await mkdir(folder, { recursive: true })
    await writeFile(asked, '')
    const script = `#!/bin/sh\necho "$*" >> '${asked}'\nPATH='${process.env.PATH}' exec nix "$@"\n`
    await writeFile(join(folder, 'nix'), script, { mode: 0o755 })
    const ended = await fleet.runWith({ env: { PATH: `${folder}:${process.env.PATH}` } }, ...args)
    const lines = (await readFile(asked, 'utf8')).split('\n')
    return { ended, evaluations: lines.filter(line => line.endsWith('#thymesh.fleet')).length }
  }

  it('adds one to flake.nix with a line, locks it, and lists what it offers', async () => {
    const flake = await readFile(join(fleet.project, 'flake.nix'), 'utf8')
    const added = await fleet.json<{ written: string[] }>('input', 'add', 'extra', `git+file://${extra}`)
    assert.deepEqual(added.written, ['flake.nix', 'flake.lock'])
    const lines = (await readFile(join(fleet.project, 'flake.nix'), 'utf8')).split('\n')
    assert.deepEqual(
      lines.filter(line => !flake.split('\n').includes(line)),
      [`  inputs.extra.url = "git+file://${extra}";`],
    )
    assert.doesNotMatch(await readFile(join(fleet.project, 'flake.lock'), 'utf8'), /thymesh\/nix|"thymesh"/)
    await fleet.commit('Add extra')
    const shown = await fleet.json<{ offers: { modules: string[] } }>('input', 'show', 'extra')
    assert.deepEqual(shown.offers.modules, ['extra/note'])
  })

  it('says which one is broken, and lists the others', async () => {
    await fleet.commit('Break', {
      'flake.nix': replaceOnce(
        await readFile(join(fleet.project, 'flake.nix'), 'utf8'),
        '  inputs.extra',
        `  inputs.broken.url = "git+file://${fleet.directory}/nowhere";\n  inputs.extra`,
      ),
    })
    const error = await fleet.error('update', 'broken')
    assert.equal(error.code, 'input-failed')
    await fleet.git('revert', '--no-edit', 'HEAD')
    assert.equal(
      (await fleet.error('input', 'add', 'broken', `git+file://${fleet.directory}/nowhere`)).code,
      'input-failed',
    )
    assert.equal(await fleet.git('status', '--porcelain'), '', 'nothing is left of it')
  })

  it('builds a config, and compares it with a release', async () => {
    const built = await fleet.json<{ configs: { config: string; topLevel: string; narSize: number }[] }>('build')
    assert.deepEqual(
      built.configs.map(({ config }) => config),
      ['hello'],
    )
    assert.match(built.configs[0]?.topLevel ?? '', /^\/nix\/store\/.*-thymesh-hello$/)
    const again = await fleet.json<typeof built>('build', 'hello')
    assert.deepEqual(again, built, 'what is built is not built again')
    assert.equal((await fleet.error('build', 'helo')).code, 'unknown-config')

    await fleet.commit('Use it', {
      'configs/hello.json': { system: thisSystem, modules: { hello: { message: 'x' }, 'extra/note': {} } },
    })
    const { ended, evaluations } = await countingEvaluations('deploy', '--timeout', '0')
    assert.deepEqual([ended.code, evaluations], [2, 1], ended.stderr)
    const same = await fleet.json<DiffJson>('diff')
    assert.deepEqual([same.configs[0]?.added, same.configs[0]?.changed], [[], []])
    const first = await fleet.json<DiffJson>('diff', '--release', '1')
    assert.deepEqual(
      first.configs[0]?.added.map(({ name }) => name),
      ['thymesh-hello'],
    )
    assert.equal(first.configs[0]?.bytesBefore, 0)
    assert.deepEqual([same.devices, first.devices], [[], [{ device: 'first', before: null, after: 'hello' }]])
  })

  it('moves inputs and releases what builds, on its own', async () => {
    await publish('{ }', 'two')
    const { ended, evaluations } = await countingEvaluations('serve', '--now')
    assert.match(ended.stdout, /auto-update: extra [0-9a-f]{12}; release 3/, ended.stderr)
    assert.deepEqual([ended.code, evaluations], [0, 1])
    assert.equal(await fleet.git('status', '--porcelain'), '')
    assert.match(await fleet.git('log', '-1', '--format=%s'), /^Update extra$/m)
    assert.match((await fleet.run('serve', '--now')).stdout, /all inputs are at their newest/)
  })

  it('does so on the schedule, until a signal ends it', async () => {
    const project = JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8'))
    await fleet.commit('Every second', { 'thymesh.json': { ...project, autoUpdate: { schedule: '* * * * * *' } } })
    // Written to while it serves: a person's broken file fails one run, and not the controller.
    const broken = { name: 5 }
    let said = ''
    let isTold = false
    const onStart = (child: ChildProcess) => {
      child.stdout?.on('data', async (text: Buffer) => {
        const before = said
        said += text
        if (!/newest/.test(before) && /newest/.test(said)) await fleet.write({ 'thymesh.json': broken })
        // A second signal would end it at once.
        if (!isTold && /nothing was changed: .*thymesh\.json/.test(said)) isTold = child.kill('SIGTERM')
      })
    }
    const ended = await fleet.runWith({ onStart }, 'serve', '--auto-update')
    assert.match(ended.stdout, /^The next auto-update is at \d{4}-.*Z\.\nauto-update: all inputs are at their newest$/m)
    assert.equal(ended.code, 0)
    await fleet.write({ 'thymesh.json': project })
    await fleet.commit('By hand')
  })

  it('changes nothing when an update can not be built', async () => {
    await publish('{ note = throw "it is broken"; }', 'three')
    const head = await fleet.git('rev-parse', 'HEAD')
    const ended = await fleet.run('serve', '--now')
    assert.equal(ended.code, 1)
    assert.match(ended.stdout, /auto-update failed, nothing was changed: .*broken/s)
    assert.equal(await fleet.git('status', '--porcelain'), '')
    assert.equal(await fleet.git('rev-parse', 'HEAD'), head)
    const { releases } = await fleet.json<{ releases: { version: number }[] }>('releases', '--wait', '0')
    assert.equal(releases[0]?.version, 3)
  })

  it('changes nothing when Git refuses the commit, and goes on when it does not', async () => {
    await publish('{ }', 'four')
    const head = await fleet.git('rev-parse', 'HEAD')
    const hook = join(fleet.project, '.git/hooks/pre-commit')
    await mkdir(dirname(hook), { recursive: true })
    await writeFile(hook, '#!/bin/sh\necho not today >&2\nexit 1\n', { mode: 0o755 })
    const refused = await fleet.run('serve', '--now')
    assert.equal(refused.code, 1)
    assert.match(refused.stdout, /auto-update failed, nothing was changed: .*not today/s)
    assert.equal(await fleet.git('status', '--porcelain'), '')
    assert.equal(await fleet.git('rev-parse', 'HEAD'), head)
    await rm(hook)
    assert.match((await fleet.run('serve', '--now')).stdout, /auto-update: extra [0-9a-f]{12}; release 4/)
  })

  it('takes one out again', async () => {
    await fleet.commit('Do without', { 'configs/hello.json': { system: thisSystem, modules: { hello: {} } } })
    await fleet.json('input', 'remove', 'extra')
    assert.doesNotMatch(await readFile(join(fleet.project, 'flake.nix'), 'utf8'), /extra/)
    assert.doesNotMatch(await readFile(join(fleet.project, 'flake.lock'), 'utf8'), /extra/)
  })
})
