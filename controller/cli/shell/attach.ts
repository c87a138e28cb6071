/** A command attached to a task: it shows what the task says, and Ctrl-C leaves it; a second one cancels it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { temporaryFolder } from '../../../node/files/temporary.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { notUnderstood } from '../../api/api-error.ts'
import { callRunning, openRunning } from '../../api/client.ts'
import { eventFrames } from '../../api/event-frames.ts'
import { type Task, taskSchema } from '../../api/schemas/task.ts'
import type { OutputPart } from '../../tasks/task-output.ts'
import { Tasks, type Work } from '../../tasks/tasks.ts'
import { untilLeft } from './leaving.ts'
import { askAgainMs, leavingMs } from './limits.ts'
import { note } from './output.ts'
import { Telling, type TellingOptions } from './telling.ts'

/** The task at its end, or `left` where it goes on without the command. */
export type Attached = Task | 'left'

/** A task of this process ends with it: Ctrl-C cancels, and a second one ends the process. */
export async function attachHere(tasks: Tasks, id: string, options: TellingOptions): Promise<Attached> {
  const telling = new Telling(options)
  const onOutput = ({ id: of, bytes }: OutputPart) => {
    if (of === id) telling.output(bytes.toString())
  }
  const ended = Promise.withResolvers<Task>()
  const onChanged = (task: Task) => {
    if (task.id !== id) return
    telling.task(task)
    if (task.state !== 'running') ended.resolve(task)
  }
  tasks.on('output', onOutput)
  tasks.on('changed', onChanged)
  onChanged(tasks.get(id))
  try {
    return await untilLeft(async left => {
      left.addEventListener('abort', () => void tasks.cancel(id).catch(() => {}))
      return await ended.promise
    })
  } finally {
    telling.end()
    tasks.off('output', onOutput)
    tasks.off('changed', onChanged)
  }
}

/** A task that nobody else sees: it is forgotten with the command. */
export async function workHere(kind: string, about: object, work: Work, options: TellingOptions): Promise<Attached> {
  const place = await temporaryFolder()
  let tasks: Tasks | undefined
  try {
    tasks = await Tasks.open(place.path)
    const { id } = await tasks.start(kind, { ...about }, work)
    return await attachHere(tasks, id, options)
  } finally {
    // What is still being written would be made anew in a folder that is being removed.
    await tasks?.settled()
    await place.remove()
  }
}

/** A task of another process, which `begin` orders or names: Ctrl-C is ours before it is sent. */
export async function attachThere(
  file: string,
  begin: () => Promise<string>,
  options: TellingOptions,
): Promise<Attached> {
  const telling = new Telling(options)
  const left = Promise.withResolvers<'left'>()
  const gone = new AbortController()
  let task: string | undefined
  let presses = 0
  let timer: NodeJS.Timeout | undefined
  const cancel = (id: string) =>
    void callRunning(file, { method: 'POST', path: `/v1/tasks/${id}/cancel`, body: {} }).catch(() => {})
  const onSignal = () => {
    presses += 1
    if (presses === 1) {
      note(options, 'The task goes on without you: see `thymesh tasks`. Ctrl-C once more cancels it.')
      timer = setTimeout(() => left.resolve('left'), leavingMs)
    } else {
      clearTimeout(timer)
      if (task !== undefined) cancel(task)
    }
  }
  for (const signal of signals) process.on(signal, onSignal)
  const work = async () => {
    task = await begin()
    if (presses > 1) cancel(task)
    return await follow(file, task, telling, gone.signal)
  }
  try {
    return await Promise.race([work(), left.promise])
  } finally {
    clearTimeout(timer)
    gone.abort()
    telling.end()
    for (const signal of signals) process.off(signal, onSignal)
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const

async function follow(file: string, id: string, telling: Telling, signal: AbortSignal): Promise<Attached> {
  let from = 0
  // A cut stream continues at the byte that it came to.
  for (; ; await sleep(askAgainMs, undefined, { signal })) {
    const stream = await openRunning(file, { path: `/v1/tasks/${id}/follow?from=${from}`, signal })
    if (typeof stream === 'string') throw controllerEnded(id)
    try {
      for await (const { event, data } of eventFrames(stream)) {
        const json = parsedEvent(data)
        if (event === 'output') {
          const { text } = outputSchema.parse(json)
          from += Buffer.byteLength(text)
          telling.output(text)
        }
        const task = event === 'task' ? taskSchema.parse(json) : undefined
        if (task !== undefined) telling.task(task)
        if (task !== undefined && task.state !== 'running') return task
      }
    } catch (thrown) {
      if (signal.aborted || thrown instanceof HintedError) throw thrown
      // What is said wrongly once would be said so again.
      if (thrown instanceof z.ZodError || thrown instanceof RangeError) throw notUnderstood()
    }
  }
}

const outputSchema = z.object({ text: z.string() })

function parsedEvent(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw notUnderstood()
  }
}

/** What an order's task came to. Throws its error. */
export function resultOf({ error, result, state }: Task): Record<string, unknown> {
  if (error !== null) throw new HintedError(error.code, error.message, { hint: error.hint })
  if (result !== null) return result
  throw new HintedError('interrupted', `the task ended without a result: it is ${state}`, {
    hint: 'Look at `thymesh tasks` and `thymesh log`, then give the order again if it was not done.',
  })
}

function controllerEnded(id: string): HintedError {
  return new HintedError('closed', `the controller ended while the task ${id} ran`, {
    hint: 'Look at `thymesh tasks` and `thymesh log`, then give the order again if it was not done.',
  })
}
