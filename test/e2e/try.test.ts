/** `thymesh try` on a real systemd machine: an update with a power cut in it, and what is refused; others are in try.long.test.ts. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Rehearsed } from '../../controller/api/schemas/rehearsal.ts'
import type { Task } from '../../controller/api/schemas/task.ts'
import { labSkip } from '../lab/needs.ts'
import type { Fleet } from './helpers/fleet.ts'
import { hello } from './helpers/project.ts'
import { rehearsalMs, rehearsingFleet, remains } from './helpers/rehearsals.ts'

const released = async (fleet: Fleet) => await fleet.run('deploy', '--timeout', '1', '--json')
const codeOf = (stdout: string) => (JSON.parse(stdout) as { error?: { code: string } }).error?.code

describe('thymesh try', { skip: labSkip() }, () => {
  it('takes a config through its update, a power cut, a reboot and back; deploy can demand that', async t => {
    const fleet = await rehearsingFleet(t)
    await released(fleet)
    const project = JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8')) as object
    await fleet.commit('two', {
      'thymesh.json': { ...project, tryBeforeSigning: true },
      'configs/hello.json': hello('two'),
    })
    const refused = await released(fleet)
    assert.equal(codeOf(refused.stdout), 'not-tried', refused.stdout)
    const ended = await fleet.runWith({ limitMs: rehearsalMs }, 'try', 'hello', '--json')
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

  it('refuses what it can’t boot, before it builds', async t => {
    const fleet = await rehearsingFleet(t)
    assert.equal((await fleet.error('try', 'hello', '--root', fleet.directory)).code, 'try-root')
    assert.equal((await fleet.error('try', 'none')).code, 'unknown-config')
    const system = process.arch === 'x64' ? 'aarch64-linux' : 'x86_64-linux'
    await fleet.write({ 'configs/hello.json': { ...hello('x'), system, target: 'nixos', modules: {} } })
    assert.equal((await fleet.error('try', 'hello')).code, 'try-target')
    assert.equal((await fleet.error('try', 'hello', '--root', '/')).code, 'try-root')
  })
})
