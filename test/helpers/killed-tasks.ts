/** Tasks in each state in a folder, until this process is killed. Run by controller/tasks/tasks.test.ts. */

import { once } from 'node:events'
import { Tasks } from '../../controller/tasks/tasks.ts'

const tasks = await Tasks.open(process.argv[2] ?? '')
const { id: done } = await tasks.start('done', {}, async () => ({}))
await tasks.settled()
const { id: running } = await tasks.start('running', { message: 'one' }, async talk => {
  talk.step('building')
  talk.progress({ step: 'building', done: 1, of: 2, unit: 'items' })
  talk.note('half of it')
  return await new Promise(() => {})
})
// It was told to end, and takes its time.
const { id: cancelling } = await tasks.start('cancelling', {}, async ({ signal }) => {
  if (!signal.aborted) await once(signal, 'abort')
  return await new Promise(() => {})
})
void tasks.cancel(cancelling)
// Of the one that runs, all is written once its output can be read.
await tasks.output(running, 0, 100)
// Its record is there, and its work has not begun.
const { id: begun } = await tasks.start('begun', {}, () => new Promise(() => {}))
process.stdout.write(`${JSON.stringify({ done, running, cancelling, begun })}\n`)
setInterval(() => {}, 60_000)
