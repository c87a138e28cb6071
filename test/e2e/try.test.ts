/** `thymesh try` on real systemd machines: an update with a power cut in it, one that fails, and a rehearsal that is killed. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Rehearsed } from '../../controller/api/schemas/rehearsal.ts'
import type { Task } from '../../controller/api/schemas/task.ts'
import { ownCgroups } from '../../controller/rehearsal/cgroups.ts'
import { poll } from '../helpers/until.ts'
import { labBase } from '../lab/base.ts'
import { labSkip } from '../lab/needs.ts'
import { Fleet } from './helpers/fleet.ts'
import { runToEnd } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

/** A rehearsal takes half a minute, on a machine that does nothing else. */
const limitMs = 600_000
const skip = labSkip()
/** Of others on this computer. */
const groupsBefore = new Set(trialGroups())

async function started(t: TestContext): Promise<Fleet> {
  const fleet = await Fleet.prepare()
  t.after(() => fleet.remove())
  await fleet.found()
  return fleet
}

const released = async (fleet: Fleet) => await fleet.run('deploy', '--timeout', '1', '--json')
const codeOf = (stdout: string) => (JSON.parse(stdout) as { error?: { code: string } }).error?.code

describe('thymesh try', { skip }, () => {
  it('takes a config through its update, a power cut, a reboot and back; deploy can demand that', async t => {
    const fleet = await started(t)
    await released(fleet)
    const project = JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8')) as object
    await fleet.commit('two', {
      'thymesh.json': { ...project, tryBeforeSigning: true },
      'configs/hello.json': hello('two'),
    })
    const refused = await released(fleet)
    assert.equal(codeOf(refused.stdout), 'not-tried', refused.stdout)
    const ended = await fleet.runWith({ limitMs }, 'try', 'hello', '--json')
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    const tried = JSON.parse(ended.stdout) as Rehearsed
    assert.deepEqual(
      tried.steps.map(({ step, ok }) => [step, ok]),
      ['boot', 'join', 'install', 'power cut', 'update', 'reboot', 'roll back'].map(step => [step, true]),
    )
    assert.equal(tried.verdict, 'pass')
    assert.notEqual(tried.topLevel, tried.from?.topLevel)
    const [task] = (await fleet.json<{ tasks: Task[] }>('tasks')).tasks.filter(({ kind }) => kind === 'rehearse')
    assert.deepEqual([task?.state, task?.steps.at(-1)?.name, task?.result?.verdict], ['done', 'Rehearsing', 'pass'])
    assert.deepEqual(remains(fleet), [])
    // Nobody runs it, so the time is over before anybody does: but it is signed.
    assert.equal((await released(fleet)).code, 2)
    // What was tried is not what is there now.
    await fleet.commit('three', { 'configs/hello.json': hello('three') })
    assert.equal(codeOf((await released(fleet)).stdout), 'not-tried')
  })

  it('says which step fails and why, on a root that is given', async t => {
    const fleet = await started(t)
    await fleet.commit('bad', {
      'modules/extra.nix': `{ portable = _: { units."bad.service" = {
        Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
      }; }; }`,
      'configs/hello.json': hello('bad', { extra: {} }),
    })
    const ended = await fleet.runWith({ limitMs }, 'try', 'hello', '--root', await labBase(), '--json')
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    const { verdict, steps, from } = JSON.parse(ended.stdout) as Rehearsed
    assert.equal(from, null)
    assert.equal(verdict, 'fail')
    const failed = steps.find(({ ok }) => !ok)
    assert.ok(failed?.said.includes('bad.service'), JSON.stringify(steps))
    assert.deepEqual(remains(fleet), [])
  })

  it('takes Nix from the store of this computer, where an installer has put it', async t => {
    const fleet = await started(t)
    // As such an installer has it, but with the libraries of Debian, which the machine has too.
    const made = await mkdtemp(join(fleet.directory, 'nix-'))
    await mkdir(join(made, 'bin'))
    for (const name of ['nix', 'nix-daemon', 'nix-env', 'nix-store']) {
      await cp('/usr/bin/nix', join(made, 'bin', name), { dereference: true })
    }
    const place = { cwd: tmpdir(), env: { PATH: process.env.PATH } }
    const added = (await runToEnd('nix-store', ['--add', made], place)).stdout.trim()
    t.after(() => runToEnd('nix-store', ['--delete', added], place))
    const env = { PATH: `${added}/bin:${process.env.PATH}` }
    const ended = await fleet.runWith({ limitMs, env }, 'try', 'hello', '--no-from', '--json')
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    assert.deepEqual(remains(fleet), [])
  })

  it('leaves nothing when it is killed', async t => {
    const fleet = await started(t)
    let command: ChildProcess | undefined
    const onStart = (child: ChildProcess) => {
      command = child
      // Once its machine is up.
      child.stderr?.on('data', (text: Buffer) => {
        if (String(text).includes('boot: ok')) child.kill('SIGKILL')
      })
    }
    const ended = await fleet.runWith({ limitMs, onStart }, 'try', 'hello', '--no-from')
    assert.equal(ended.code, null, ended.stdout + ended.stderr)
    assert.equal(command?.signalCode, 'SIGKILL')
    const gone = await poll(() => remains(fleet).length === 0, { limitMs: 120_000, everyMs: 500 })
    assert.ok(gone, `what is left: ${remains(fleet).join(', ')}`)
  })

  it('refuses what it can’t boot, before it builds', async t => {
    const fleet = await started(t)
    assert.equal((await fleet.error('try', 'hello', '--root', fleet.directory)).code, 'try-root')
    assert.equal((await fleet.error('try', 'none')).code, 'unknown-config')
    await fleet.write({ 'configs/hello.json': { ...hello('x'), target: 'nixos', modules: {} } })
    assert.equal((await fleet.error('try', 'hello')).code, 'try-target')
  })
})

/** Folders, control groups, processes and mounts of a fleet's rehearsals. */
function remains(fleet: Fleet): string[] {
  const folders = readdirSync(fleet.directory).filter(name => name.startsWith('thymesh-temporary-'))
  const groups = trialGroups().filter(name => !groupsBefore.has(name))
  const processes = readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && isOf(pid, fleet.directory))
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return [...folders, ...groups, ...processes, ...mounts.filter(line => line.includes(`${fleet.directory}/thymesh-`))]
}

function trialGroups(): string[] {
  return ownCgroups().flatMap(dir =>
    existsSync(dir) ? readdirSync(dir).filter(name => /^thymesh-try-/.test(name)) : [],
  )
}

/** Whether a process works for a rehearsal of this folder. */
function isOf(pid: string, directory: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${directory}/thymesh-temporary-`)
  } catch {
    return false
  }
}
