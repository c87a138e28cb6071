/** Tests of work that a command does as a task of its own. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { TaskStore } from '../../tasks/task-store.ts'
import { workHere } from './attach.ts'

// Its folder goes with it, and one that is still written to may not go: then the command would fail, whatever its work came to.
it('a command ends when all of its task is written', async t => {
  const { save } = TaskStore.prototype
  let under = 0
  t.mock.method(TaskStore.prototype, 'save', async function (this: TaskStore, ...task: Parameters<typeof save>) {
    under++
    for (let turn = 0; turn < 100; turn++) await setImmediate()
    await save.apply(this, task).finally(() => under--)
  })
  const task = await workHere('build', {}, async () => ({}), { json: true, quiet: true } as never)
  assert.deepEqual([task !== 'left' && task.state, under], ['done', 0])
})
