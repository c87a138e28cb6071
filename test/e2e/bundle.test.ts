/** Bundles with real processes: a controller writes one, and devices that no network reaches update from it. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { Task } from '../../controller/api/schemas/task.ts'
import { main } from '../helpers/program.ts'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { Fleet } from './helpers/fleet.ts'
import { Daemon, until } from './helpers/processes.ts'
import { blobModule, hello } from './helpers/project.ts'

/** They and the device that the stick is put into are five. */
const others = ['neighbour', 'bow', 'stern', 'mast']

interface Taken {
  taken: { outcome: string; trust: string; release: number; readBytes: number }[]
}

describe('a site that no network reaches', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let near: Device
  let dark: Device
  let neighbours: Device[]
  let file: string
  let token: string
  let top: string

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found('near', 'dark', ...others)
    await fleet.commit('Version 1', {
      'modules/blob.nix': blobModule,
      'configs/hello.json': hello('version 1', { blob: { megabytes: 20 } }),
    })
    near = await fleet.device('near')
    dark = await fleet.device('dark')
    neighbours = await Promise.all(others.map(name => fleet.device(name)))
    file = join(fleet.directory, 'news.thymesh')
    token = await fleet.token('--site', 'ship', '--bootstrap', dark.address)
    near.start(await fleet.token('--site', 'shore'))
    await fleet.json('deploy', '-m', 'version 1', '--wait-for', 'near', '--timeout', '240')
    top = (await near.running()) ?? ''
    await near.stop()
  })
  after(() => fleet.remove())

  it('gets a bundle that is written, shown and verified', async () => {
    const { files } = await fleet.json<{ files: { bytes: number }[] }>('bundle', 'write', file)
    assert.equal((await stat(file)).size, files[0]?.bytes)
    const shown = await fleet.json<{ release: number; configs: string[] }>('bundle', 'show', file)
    assert.deepEqual(shown.configs, ['hello'])
    const verified = await fleet.json<{ missingChunks: number; release: number }>('bundle', 'verify', file)
    assert.deepEqual([verified.missingChunks, verified.release], [0, shown.release])
  })

  it('runs the release after one command on the device, without any peer', async () => {
    dark.start(token)
    await dark.logged('that it has started', line => line.msg === 'device started')
    const { taken } = await take(dark, file)
    assert.deepEqual(
      taken.map(({ outcome, trust }) => [outcome, trust]),
      [['done', 'newer']],
    )
    await dark.runs(top)
    assert.equal(await dark.etc('hello'), 'version 1\n')
  })

  it('feeds five devices from one stick, each byte of which is read once', async () => {
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2', { blob: { megabytes: 21 } }) })
    await dark.stop()
    near.start()
    await fleet.json('deploy', '-m', 'version 2', '--wait-for', 'near', '--timeout', '240')
    top = (await near.running()) ?? ''
    await near.stop()
    const { files } = await fleet.json<{ files: { bytes: number }[] }>('bundle', 'write', file)
    const before = (await dark.logLines()).length
    dark.start()
    await dark.logged('that it has started', line => line.msg === 'device started', before)
    for (const each of neighbours) each.start(token)
    const admitted = async () =>
      new Set((await dark.logLines()).flatMap(({ msg, name }) => (msg === 'peer admitted' ? name : [])))
    await until('all of the site to be in reach', async () => (await admitted()).size >= others.length)
    const { taken } = await take(dark, file)
    await dark.runs(top)
    for (const each of neighbours) {
      await each.runs(top)
      assert.equal(await each.etc('hello'), 'version 2\n')
    }
    const read = taken[0]?.readBytes ?? 0
    assert.ok(read <= (files[0]?.bytes ?? 0) * 1.05, `${read} of ${files[0]?.bytes} bytes were read`)
  })

  it('takes the same bundle again, and from standard input', async () => {
    const child = spawn(
      process.execPath,
      [main, 'bundle', 'take', '-', '--state', dark.state, '--stay', '0', '--json'],
      {
        env: fleet.env,
      },
    )
    createReadStream(file).pipe(child.stdin)
    const [printed, said] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.match(printed, /"taken"/, printed + said)
    const { taken } = JSON.parse(printed) as Taken
    assert.deepEqual(
      taken.map(({ outcome, trust }) => [outcome, trust]),
      [['done', 'same']],
    )
  })

  it('is a task of the controller that runs, which shows it, keeps it and takes it once more', async t => {
    const logFile = join(fleet.directory, 'serve.log')
    const serving = new Daemon([], { cwd: fleet.project, env: fleet.env, logFile, command: 'serve' })
    t.after(() => serving.end('SIGTERM'))
    await until('the controller to serve', async () => (await readFile(logFile, 'utf8')).includes('in the mesh'))
    assert.deepEqual(
      (await take(dark, file)).taken.map(({ outcome }) => outcome),
      ['done'],
    )
    const { tasks } = await fleet.json<{ tasks: Task[] }>('tasks')
    const [task = assert.fail('no task')] = tasks
    assert.deepEqual([task.kind, task.state], ['take-bundle', 'done'])
    assert.deepEqual(
      task.steps.map(({ name, state }) => [name, state]),
      [['Taking news.thymesh', 'done']],
    )
    const again = await fleet.json<Task>('tasks', 'retry', task.id)
    assert.deepEqual([again.state, again.retries], ['done', task.id])
    // It would stay for minutes: cancelling it detaches the bundle, and what asks for it is told.
    const stays = fleet.error('bundle', 'take', file, '--state', dark.state, '--stay', '600')
    const running = async () => {
      const [newest] = (await fleet.json<{ tasks: Task[] }>('tasks')).tasks
      return newest?.state === 'running' && newest.progress !== null ? newest.id : undefined
    }
    const attached = await until('the bundle to be attached', running)
    assert.equal((await fleet.json<Task>('tasks', 'cancel', attached)).state, 'cancelled')
    assert.equal((await stays).code, 'cancelled')
  })

  it('refuses what is no bundle, or not all of one', async () => {
    const other = join(fleet.directory, 'other.thymesh')
    await writeFile(other, 'a letter')
    assert.equal((await fleet.error('bundle', 'show', other)).code, 'not-a-bundle')
    assert.equal((await fleet.error('bundle', 'take', other, '--state', dark.state)).code, 'not-a-bundle')
    await writeFile(other, await readFile(file))
    await truncate(other, (await stat(file)).size - 4096)
    assert.equal((await fleet.error('bundle', 'take', other, '--state', dark.state)).code, 'truncated')
    assert.equal((await fleet.error('bundle', 'take', fleet.directory, '--state', dark.state)).code, 'not-a-bundle')
    assert.equal((await fleet.error('bundle', 'take', file, '--state', fleet.directory)).code, 'no-daemon')
  })

  /** Runs as a person on the device would. */
  async function take(device: Device, ...files: string[]): Promise<Taken> {
    return await fleet.json<Taken>('bundle', 'take', ...files, '--state', device.state, '--stay', '2')
  }
})
