/** Tests of tasks: what is kept over a restart, what is cancelled, and what is left of endless or hostile output. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { until } from '../../test/helpers/until.ts'
import { keptTasks, outputBytes, runningTasks } from './limits.ts'
import { Tasks } from './tasks.ts'

const killed = join(import.meta.dirname, '../../test/helpers/killed-tasks.ts')

const wholeOutput = async (tasks: Tasks, id: string) => (await tasks.output(id, 0, 1024 * 1024)).toString()

/** Work that ends only when it is cancelled. */
const endless = async ({ signal }: { signal: AbortSignal }) => {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}

describe('tasks', () => {
  it('keep what they said and what they came to, also over a restart', async t => {
    const directory = await testDirectory(t)
    const tasks = await Tasks.open(directory)
    const { id } = await tasks.start('deploy', { message: 'one' }, async talk => {
      talk.note('first')
      talk.note('second\nthird')
      return { release: 2 }
    })
    await tasks.settled()
    const again = await Tasks.open(directory)
    const { state, kind, options, result, outputBytes: size, ended } = again.get(id)
    assert.deepEqual([state, kind, options, result], ['done', 'deploy', { message: 'one' }, { release: 2 }])
    assert.ok(ended)
    assert.equal(await wholeOutput(again, id), 'first\nsecond\nthird\n')
    assert.equal((await again.output(id, 6, 6)).toString(), 'second')
    assert.equal(size, 19)
  })

  it('that fail say why, with code and hint', async t => {
    const tasks = await Tasks.open(await testDirectory(t))
    const { id } = await tasks.start('deploy', {}, async () => {
      throw new RangeError('a bug')
    })
    await tasks.settled()
    const { state, error } = tasks.get(id)
    assert.deepEqual([state, error?.code, error?.message], ['failed', 'failed', 'a bug'])
    assert.ok(error?.hint)
  })

  it('are cancelled once', async t => {
    const tasks = await Tasks.open(await testDirectory(t))
    const { id } = await tasks.start('deploy', {}, endless)
    assert.equal((await tasks.cancel(id)).state, 'cancelled')
    await assert.rejects(tasks.cancel(id), withCode('task-ended'))
    await assert.rejects(tasks.cancel('nothing'), withCode('unknown-task'))
  })

  it('are a few at a time', async t => {
    const tasks = await Tasks.open(await testDirectory(t))
    for (let each = 0; each < runningTasks; each++) await tasks.start('deploy', {}, endless)
    await assert.rejects(tasks.start('deploy', {}, endless), withCode('too-many'))
    await Promise.all(tasks.running.map(({ id }) => tasks.cancel(id)))
  })

  it('that could not be recorded are none', async t => {
    const directory = join(await testDirectory(t), 'tasks')
    const tasks = await Tasks.open(directory)
    await writeFile(directory, 'a file where the folder of tasks should be')
    await assert.rejects(tasks.start('deploy', {}, endless), { code: 'ENOTDIR' })
    assert.deepEqual([tasks.all, tasks.running], [[], []])
  })

  it('that ran when their process ended are interrupted', async t => {
    const directory = await testDirectory(t)
    const before = await Tasks.open(directory)
    const { id } = await before.start('deploy', {}, endless)
    const after = await Tasks.open(directory)
    assert.deepEqual([after.get(id).state, after.get(id).progress], ['interrupted', null])
    assert.equal((await Tasks.open(directory)).get(id).state, 'interrupted')
    await before.cancel(id)
  })

  it('are interrupted in each state by kill -9, and say so', async t => {
    const directory = await testDirectory(t)
    const child = spawn(process.execPath, [killed, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const ids = JSON.parse(line) as Record<'done' | 'running' | 'cancelling' | 'begun', string>
    const after = await Tasks.open(directory)
    assert.equal(after.get(ids.done).state, 'done')
    for (const name of ['running', 'cancelling', 'begun'] as const) {
      const { state, error, ended, progress, activities } = after.get(ids[name])
      assert.deepEqual([state, error?.code, progress, activities], ['interrupted', 'interrupted', null, []], name)
      assert.ok(ended && error?.hint, name)
      await assert.rejects(after.cancel(ids[name]), withCode('task-ended'))
    }
    const { options, outputBytes: size } = after.get(ids.running)
    assert.deepEqual([options, size], [{ message: 'one' }, 11])
    assert.equal(await wholeOutput(after, ids.running), 'half of it\n')
    assert.deepEqual(after.running, [])
  })

  it('make their output harmless, and end what is endless', async t => {
    const tasks = await Tasks.open(await testDirectory(t))
    const { id } = await tasks.start('deploy', {}, async talk => {
      talk.note('\x1b]0;title\x07red \x1b[31m')
      talk.note(Buffer.from([0xff, 0xfe, 0x41]).toString())
      talk.note('x'.repeat(100 * 1024 * 1024))
      return {}
    })
    await tasks.settled()
    const said = await wholeOutput(tasks, id)
    assert.ok(!said.includes('\x1b'), said.slice(0, 100))
    assert.match(said, /x{10000}… \(104847600 more characters\)\n$/)
    const { id: many } = await tasks.start('deploy', {}, async talk => {
      for (let bytes = 0; bytes < outputBytes + 2 * 9_000; bytes += 9_000) talk.note('y'.repeat(8_999))
      return {}
    })
    await tasks.settled()
    const { outputBytes: size } = tasks.get(many)
    assert.ok(size <= outputBytes + 100)
    assert.match((await tasks.output(many, size - 40, 100)).toString(), /more lines are left out\)\n$/)
  })

  it('tell progress now and then, and its end at once', async t => {
    const tasks = await Tasks.open(await testDirectory(t))
    const seen: unknown[] = []
    tasks.on('changed', ({ progress, state }) => seen.push([progress?.done ?? null, state]))
    await tasks.start('deploy', {}, async talk => {
      for (let done = 1; done <= 1000; done++) talk.progress({ step: 'x', done, of: 1000, unit: 'items' })
      await until(() => seen.length > 1, 'progress to be told')
      return {}
    })
    await tasks.settled()
    assert.deepEqual(seen, [
      [null, 'running'],
      [1000, 'running'],
      [null, 'done'],
    ])
  })

  it('are kept in bounds, and a folder without a record goes', async t => {
    const directory = await testDirectory(t)
    const tasks = await Tasks.open(directory)
    const { id } = await tasks.start('deploy', {}, async () => ({}))
    await tasks.settled()
    const record = tasks.get(id)
    for (let each = 0; each < keptTasks + 5; each++) {
      const other = `0${String(each).padStart(8, '0')}-00000000`
      await mkdir(join(directory, other))
      await writeFile(join(directory, other, 'task.json'), JSON.stringify({ ...record, id: other }))
    }
    await mkdir(join(directory, 'zzzzzzzzz-torn'))
    await writeFile(join(directory, 'zzzzzzzzz-torn', 'task.json'), '{"id":')
    const all = (await Tasks.open(directory)).all
    assert.equal(all.length, keptTasks)
    assert.equal(all[0]?.id, id)
    assert.equal((await readdir(directory)).length, keptTasks)
  })

  it('are kept in bounds while the controller runs', async t => {
    const directory = await testDirectory(t)
    const tasks = await Tasks.open(directory)
    for (let each = 0; each < keptTasks + 3; each++) {
      await tasks.start('check', {}, async () => ({}))
      await tasks.settled()
    }
    assert.equal(tasks.all.length, keptTasks)
    assert.equal((await readdir(directory)).length, keptTasks)
  })
})
