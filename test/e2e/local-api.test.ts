/** The local API of real processes: commands that read beside a controller, of this version and of the one before. */

import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { callRunning } from '../../controller/api/client.ts'
import { type Task, taskSchema, tasksSchema } from '../../controller/api/schemas/task.ts'
import { Database } from '../../node/state/database.ts'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'
import { Daemon, until } from './helpers/processes.ts'

async function founded(t: TestContext): Promise<{ fleet: Fleet; state: string }> {
  const fleet = await Fleet.prepare()
  t.after(() => fleet.remove())
  await fleet.found()
  const { fleet: id } = JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8')) as { fleet: string }
  return { fleet, state: join(fleet.home, id.slice(0, 16), 'state') }
}

/** `thymesh serve`, once it answers. */
async function serving(fleet: Fleet, state: string, ...options: string[]) {
  const logFile = join(fleet.directory, 'serve.log')
  // What an earlier one said is no news.
  const before = (await readFile(logFile, 'utf8').catch(() => '')).length
  const said = async () => (await readFile(logFile, 'utf8')).slice(before)
  const daemon = new Daemon(options, { cwd: fleet.project, env: fleet.env, logFile, command: 'serve' })
  fleet.onRemove(() => daemon.end())
  await until('the controller to serve', async () => (await said()).includes('in the mesh'))
  await stat(join(state, 'local.sock'))
  return { daemon, said: await said() }
}

describe('the local API', () => {
  it('answers commands that read, and programs on loopback with the token', async t => {
    const { fleet, state } = await founded(t)
    const { said } = await serving(fleet, state, '--api', '0')
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? assert.fail(said)
    const status = await fleet.json<{ release: number }>('status', '--wait', '0')
    assert.equal(status.release, 1)
    const token = (await readFile(join(state, 'api.token'), 'utf8')).trim()
    assert.equal((await stat(join(state, 'api.token'))).mode & 0o777, 0o600)
    assert.equal((await fetch(`${address}/v1/status`)).status, 401)
    const reply = await fetch(`${address}/v1/status`, { headers: { Authorization: `Bearer ${token}` } })
    assert.deepEqual(await reply.json(), status)
  })

  it('is of one controller: a second one of the same state is told which runs', async t => {
    const { fleet, state } = await founded(t)
    const { daemon } = await serving(fleet, state)
    const refused = await fleet.error('serve')
    assert.equal(refused.code, 'in-use')
    assert.ok(refused.message.endsWith(`already runs: \`thymesh serve\` (process ${daemon.pid})`), refused.message)
    assert.ok(refused.hint)
    // The first one goes on, and its socket is still there.
    assert.equal((await fleet.json<{ release: number }>('status', '--wait', '0')).release, 1)
  })

  it('lets commands that write run beside it, also several at once', async t => {
    const { fleet, state } = await founded(t)
    const tokens = await Promise.all(
      ['a', 'b', 'c'].map(names => fleet.json<{ id: string }>('token', '--names', names)),
    )
    await serving(fleet, state)
    const revoked = await Promise.all(
      tokens.map(({ id }) => fleet.json<{ revoked: string }>('token', 'revoke', id, '--wait', '0')),
    )
    assert.deepEqual(
      revoked.map(each => each.revoked),
      tokens.map(({ id }) => id),
    )
    const { tokens: rows } = await fleet.json<{ tokens: { state: string }[] }>('token', 'list', '--wait', '0')
    assert.deepEqual(
      rows.map(each => each.state),
      ['revoked', 'revoked', 'revoked'],
    )
    // Each has its own version of the members metadata.
    const { events } = await fleet.json<{ events: { what: string; version: number }[] }>('log', '--wait', '0')
    const versions = events.filter(({ what }) => what === 'members').map(({ version }) => version)
    assert.equal(new Set(versions).size, versions.length)
    assert.equal(Math.max(...versions), 4)
    const { tasks } = await fleet.json<{ tasks: Task[] }>('tasks')
    assert.deepEqual(
      tasks.map(({ kind, state }) => [kind, state]),
      Array(3).fill(['revoke-token', 'done']),
    )
    assert.equal((await fleet.error('token', 'revoke', 'ffff', '--wait', '0')).code, 'unknown-member')
    assert.equal((await fleet.error('promote')).code, 'no-waves')
  })

  it('keeps tasks over kill -9: they are interrupted, and can be tried again', async t => {
    const { fleet, state } = await founded(t)
    const { id: token } = await fleet.json<{ id: string }>('token', '--names', 'a')
    const first = await serving(fleet, state)
    const socket = join(state, 'local.sock')
    const ordered = async (path: string, body: object) => {
      const reply = await callRunning(socket, { method: 'POST', path, body })
      return taskSchema.parse(typeof reply === 'object' && reply.json)
    }
    // Nobody is in reach: each waits for news.
    const ids = [
      (await ordered('/v1/revoke-token', { id: token, wait: 600 })).id,
      // These give up after a while: they come last, so that they are still at it at the end.
      (await ordered('/v1/renew', { members: [], wait: 15 })).id,
      (await ordered('/v1/spread', { seconds: 300 })).id,
    ]
    await first.daemon.end('SIGKILL')
    const { tasks } = await fleet.json<{ tasks: Task[] }>('tasks')
    assert.deepEqual(
      tasks.map(({ id, state, error }) => [id, state, error?.code]).reverse(),
      ids.map(id => [id, 'interrupted', 'interrupted']),
    )
    await serving(fleet, state)
    const again = await ordered(`/v1/tasks/${ids[1]}/retry`, {})
    assert.deepEqual([again.kind, again.options, again.retries], ['renew', { members: [], wait: 15 }, ids[1]])
    const shown = async () => {
      const reply = await callRunning(socket, { path: `/v1/tasks/${again.id}` })
      const task = taskSchema.parse(typeof reply === 'object' && reply.json)
      return task.state !== 'running' && task
    }
    assert.equal((await until('the second try', shown)).state, 'done')
    const other = await ordered(`/v1/tasks/${ids[0]}/retry`, {})
    assert.equal((await fleet.json<Task>('tasks', 'cancel', other.id)).state, 'cancelled')
    // What an interrupted order has not done, it has not begun.
    const { tokens } = await fleet.json<{ tokens: { state: string }[] }>('token', 'list', '--wait', '0')
    assert.ok(!tokens.some(each => each.state === 'revoked'))
  })

  it('leaves a task at the first Ctrl-C, and cancels it at the second', async t => {
    const { fleet, state } = await founded(t)
    await serving(fleet, state)
    const { id } = await fleet.json<{ id: string }>('token', '--names', 'a')
    const socket = join(state, 'local.sock')
    const attached = async (presses: number) => {
      // Nobody is in reach: the order waits so long for news.
      const running = fleet.runWith(
        {
          onStart: async child => {
            const begun = async () => {
              const listed = await callRunning(socket, { path: '/v1/tasks?limit=1' })
              const task = tasksSchema.parse(typeof listed === 'object' && listed.json).tasks[0]
              return task?.state === 'running' && task.id
            }
            let said = ''
            child.stderr?.on('data', (bytes: Buffer) => {
              said += bytes.toString()
            })
            await until('the task', begun)
            child.kill('SIGINT')
            // Two signals that are pending at a time are one.
            await until('the answer to Ctrl-C', () => said.includes('goes on without you'))
            if (presses === 2) child.kill('SIGINT')
          },
        },
        ...['token', 'revoke', id, '--wait', '600'],
      )
      const ended = await running
      const { tasks } = await fleet.json<{ tasks: Task[] }>('tasks')
      return { ended, task: tasks[0] ?? assert.fail() }
    }
    const left = await attached(1)
    assert.deepEqual([left.ended.code, left.task.state], [0, 'running'], left.ended.stderr)
    assert.match(left.ended.stderr, /goes on without you/)
    assert.equal((await fleet.json<Task>('tasks', 'cancel', left.task.id)).state, 'cancelled')
    const cancelled = await until('a second Ctrl-C that is soon enough', async () => {
      const pressed = await attached(2)
      if (pressed.task.state !== 'running') return pressed
      // The command had left before: it waits a second and a half for another one.
      await fleet.json('tasks', 'cancel', pressed.task.id)
      return undefined
    })
    assert.deepEqual([cancelled.ended.code, cancelled.task.state], [1, 'cancelled'], cancelled.ended.stderr)
  })

  it('gets the passphrase of sealed keys with the order, and asks nobody', async t => {
    const fleet = await Fleet.prepare()
    t.after(() => fleet.remove())
    const env = { THYMESH_PASSPHRASE: 'five random words of mine' }
    const place = ['--listen', fleet.address, '--no-mdns', '--store', fleet.store]
    const ended = await fleet.runWith({ env }, 'init', '.', '--name', 'trial', ...place, '--json')
    const { fleet: fleetId } = JSON.parse(ended.stdout) as { fleet: string }
    const state = join(fleet.home, fleetId.slice(0, 16), 'state')
    // The first start signs the controller's own certificate.
    await fleet.runWith({ env }, 'status', '--wait', '0')
    const made = await fleet.runWith({ env }, 'token', '--names', 'a', '--json')
    const { id } = JSON.parse(made.stdout) as { id: string }
    await serving(fleet, state)
    const without = await callRunning(join(state, 'local.sock'), {
      method: 'POST',
      path: '/v1/revoke-token',
      body: { id, wait: 0 },
    })
    const { id: task } = taskSchema.parse(typeof without === 'object' && without.json)
    const failed = async () => {
      const shown = await callRunning(join(state, 'local.sock'), { path: `/v1/tasks/${task}` })
      const { error } = taskSchema.parse(typeof shown === 'object' && shown.json)
      return error?.code
    }
    assert.equal(await until('the error', failed), 'no-passphrase')
    const wrong = await fleet.runWith(
      { env: { THYMESH_PASSPHRASE: 'something else' } },
      'token',
      'revoke',
      id,
      '--wait',
      '0',
      '--json',
    )
    assert.equal((JSON.parse(wrong.stdout) as ErrorJson).error.code, 'wrong-passphrase')
    const done = await fleet.runWith({ env }, 'token', 'revoke', id, '--wait', '0', '--json')
    assert.equal(done.code, 0, done.stdout + done.stderr)
    const { tasks } = await fleet.json<{ tasks: Task[] }>('tasks')
    assert.ok(!JSON.stringify(tasks).includes('random words'))
  })

  it('is told from a controller of the version before, which hangs up', async t => {
    const { fleet, state } = await founded(t)
    // As that version: it has the lock of the state, waits for a line and the end of it, and leaves after a while.
    const database = await Database.open(state)
    t.after(() => database.close())
    const old = createServer({ allowHalfOpen: true }, socket => {
      socket.once('data', () => socket.destroy())
      void text(socket).catch(() => {})
    })
    t.after(() => old.close())
    await new Promise<void>(resolve => old.listen(join(state, 'local.sock'), resolve))
    const error = await fleet.error('status', '--wait', '0')
    assert.equal(error.code, 'not-understood')
    assert.match(error.hint ?? '', /older version/)
  })
})
