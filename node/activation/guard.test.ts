/** Tests of guard.sh, the part of an update that needs no daemon, with a machine whose programs are shell scripts. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { AttemptFolder } from './attempt-folder.ts'

const script = join(import.meta.dirname, 'guard.sh')
const [old, next] = ['/nix/store/old', '/nix/store/new']

/** The old generation's switch, as the lines of a shell script. The file `$RUNS` names the generation that runs. */
const comesBack = `echo ${old} >"$RUNS"`
const doesNothing = ':'

async function machine(t: TestContext, init: { switchesBack?: string; old?: string } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-guard-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const at = (name: string) => join(root, name)
  const [runs, calls, attempt] = [at('runs'), at('calls'), at('attempt')]
  const program = async (file: string, lines: string) => {
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  }
  await program(at('bin/systemctl'), `echo systemctl "$@" >>"${calls}"`)
  await program(at('bin/sleep'), ':')
  // The file names the generation that runs; all links are real.
  await program(
    at('bin/readlink'),
    `[ "$1" = /run/current-system ] || exec /usr/bin/env -i /bin/readlink "$1"\ncat "${runs}"`,
  )
  await program(at(`store${next}/bin/switch-to-configuration`), `echo new "$@" >>"${calls}"\necho ${next} >"$RUNS"`)
  const back = init.switchesBack ?? comesBack
  await program(at(`store${old}/bin/switch-to-configuration`), `echo old "$@" >>"${calls}"\n${back}`)
  await mkdir(attempt)
  const facts = { new: next, old: init.old ?? old, target: 'portable', id: '7-1', store: at('store') }
  await writeFile(
    join(attempt, 'attempt'),
    Object.entries(facts)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  await writeFile(runs, `${next}\n`)
  const env = { PATH: `${at('bin')}:${process.env.PATH}`, RUNS: runs }
  return {
    attempt,
    env,
    program: (name: string, lines: string) => program(at(`bin/${name}`), lines),
    guard: (action: string) => promisify(execFile)('/bin/sh', [script, action, attempt], { env }),
    read: (name: string) =>
      readFile(join(attempt, name), 'utf8').then(
        text => text.trim(),
        () => undefined,
      ),
    calls: async () => (await readFile(calls, 'utf8').catch(() => '')).trim().split('\n'),
    runs: async () => (await readFile(runs, 'utf8')).trim(),
  }
}

describe('the guard', () => {
  it('runs the switch once, and keeps its exit code', async t => {
    const { guard, read, calls } = await machine(t)
    await guard('test')
    await guard('test')
    assert.deepEqual([await calls(), await read('result')], [['new test'], '0'])
  })

  it('ends a switch that still runs, brings the old generation back, and does so once', async t => {
    const { guard, read, calls, runs, attempt } = await machine(t)
    await guard('roll-back')
    await guard('roll-back')
    assert.deepEqual(await calls(), ['systemctl stop thymesh-activate-7-1.service', 'old test'])
    assert.deepEqual([await runs(), await read('outcome')], [old, '0'])
    assert.equal(await readlink(join(attempt, 'decision')), 'roll-back')
  })

  it('goes by nothing of an earlier attempt of the same release, also of a site', async t => {
    for (const id of ['7-1', 'ship-7-1', 'a-1-7-1']) {
      const parent = await mkdtemp(join(tmpdir(), 'thymesh-attempts-'))
      t.after(() => rm(parent, { recursive: true, force: true }))
      const { env, calls } = await machine(t)
      const guard = (action: string) =>
        promisify(execFile)('/bin/sh', [join(parent, id, 'guard.sh'), action, join(parent, id)], { env })
      const store = env.PATH.slice(0, env.PATH.indexOf('/bin:')).concat('/store')
      const folder = new AttemptFolder(parent, { id, target: 'portable', new: next, old })
      await mkdir(join(parent, 'logs'))
      await mkdir(join(parent, 'hull-6-2'))
      await folder.prepare(store)
      await guard('test')
      await folder.decide('commit')
      await folder.prepare(store)
      assert.deepEqual(
        [await folder.decision(), await folder.code('result'), await folder.started()],
        [undefined, undefined, false],
      )
      await guard('test')
      await guard('roll-back')
      const stop = `systemctl stop thymesh-activate-${id}.service`
      assert.deepEqual(
        [(await calls()).filter(call => call !== ''), await folder.code('outcome')],
        [['new test', 'new test', stop, 'old test'], 0],
      )
      assert.deepEqual((await readdir(parent)).sort(), [id, 'logs'].sort())
    }
  })

  it('does nothing about what was committed', async t => {
    const { guard, calls, attempt } = await machine(t)
    await symlink('commit', join(attempt, 'decision'))
    await guard('roll-back')
    assert.deepEqual(await calls(), [''])
  })

  it('takes 4, units that failed, for an old generation that is back', async t => {
    const { guard, read, calls } = await machine(t, { switchesBack: `${comesBack}; exit 4` })
    await guard('roll-back')
    assert.deepEqual([(await calls()).length, await read('outcome'), await read('rebooted')], [2, '4', undefined])
  })

  it('tries three times, then lets the machine start anew, once', async t => {
    const { guard, read, calls } = await machine(t, { switchesBack: doesNothing })
    await guard('roll-back')
    await guard('roll-back')
    const rounds = ['old test', 'old test', 'old test']
    assert.deepEqual((await calls()).slice(1), [...rounds, 'systemctl reboot'])
    assert.equal(await read('rebooted'), 'yes')
    assert.match((await read('output')) ?? '', /it could not be brought back: the machine starts anew$/)
  })

  it("takes a machine's first update off, and reboots nothing when it can't", async t => {
    const { guard, read, calls } = await machine(t, { old: '' })
    await guard('roll-back')
    assert.ok((await calls()).includes('new off'))
    assert.deepEqual([(await calls()).includes('systemctl reboot'), await read('rebooted')], [false, undefined])
  })

  it('reboots a machine that runs what was booted and not confirmed, once', async t => {
    const { guard, read, calls, attempt } = await machine(t)
    await guard('boot-deadline')
    await guard('boot-deadline')
    assert.deepEqual(await calls(), ['systemctl reboot'])
    assert.equal(await readlink(join(attempt, 'decision')), 'roll-back')
    assert.equal(await read('rebooted'), 'yes')
  })

  it('lets a machine be that has booted the old generation, or that confirmed or holds the new one', async t => {
    const back = await machine(t)
    await writeFile(join(back.attempt, '../runs'), `${old}\n`)
    await back.guard('boot-deadline')
    assert.deepEqual(await back.calls(), [''])
    for (const decision of ['commit', 'hold']) {
      const { guard, calls, attempt } = await machine(t)
      await symlink(decision, join(attempt, 'decision'))
      await guard('boot-deadline')
      assert.deepEqual(await calls(), [''], decision)
    }
  })

  it('reboots a machine on which the booted generation did not start anything, once', async t => {
    const { guard, calls, attempt } = await machine(t)
    await writeFile(join(attempt, '../runs'), '')
    await guard('boot-deadline')
    await guard('boot-deadline')
    assert.deepEqual(await calls(), ['systemctl reboot'])
  })

  it('goes back where it can write neither a decision, nor output, nor what came of it', async t => {
    for (const action of ['roll-back', 'boot-deadline']) {
      const { guard, calls, runs, attempt, program } = await machine(t, {
        switchesBack: `echo much || exit 3; ${comesBack}`,
      })
      await program('ln', 'exit 1')
      const left = action === 'roll-back' ? 'outcome.new' : 'rebooted.new'
      for (const name of ['output', left]) await symlink('/dev/full', join(attempt, name))
      await guard(action).catch(() => {})
      if (action === 'boot-deadline') assert.deepEqual(await calls(), ['systemctl reboot'])
      else {
        assert.deepEqual([await runs(), (await calls()).includes('systemctl reboot')], [old, false])
        assert.deepEqual((await readdir(attempt)).sort(), ['attempt', 'output'], 'nothing half written')
      }
    }
  })

  it('keeps no result that it could not write', async t => {
    const { guard, attempt, env } = await machine(t)
    await symlink('/dev/full', join(attempt, 'result.new'))
    await guard('test').catch(() => {})
    assert.equal((await readdir(attempt)).includes('result'), false)
    await writeFile(join(attempt, 'outcome'), '')
    const folder = new AttemptFolder(join(attempt, '..'), { id: 'attempt', target: 'portable', new: next, old })
    assert.deepEqual([await folder.code('result'), await folder.code('outcome')], [undefined, undefined], env.RUNS)
  })

  it('starts a machine anew whose old generation is named as the running one, but did not get through its switch', async t => {
    const { guard, calls, read } = await machine(t, { switchesBack: `${comesBack}; exit 3` })
    await guard('roll-back')
    assert.deepEqual((await calls()).slice(1), ['old test', 'old test', 'old test', 'systemctl reboot'])
    assert.deepEqual([await read('outcome'), await read('rebooted')], ['3', 'yes'])
  })
})
