/** Tasks of a controller: each runs to its end or until it is cancelled, and what it said is kept. */

import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import { visible } from '../../protocol/encoding/visible.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Progress, Task, TaskActivity } from '../api/schemas/task.ts'
import { errorJson } from '../format/error-json.ts'
import { keptActivities, keptSteps, keptTasks, progressMs, runningTasks } from './limits.ts'
import { Rate } from './rate.ts'
import { detailMark, type Talk } from './talk.ts'
import { type OutputPart, TaskOutput } from './task-output.ts'
import { TaskStore } from './task-store.ts'

export class TaskError extends HintedError<'unknown-task' | 'cancelled' | 'interrupted' | 'too-many' | 'task-ended'> {}

/** What a task does; gives its result. */
export type Work = (talk: Talk) => Promise<Record<string, unknown>>

interface Running {
  readonly cancel: AbortController
  readonly ended: Promise<void>
  readonly output: TaskOutput
}

interface TasksEvents {
  /** The record is another one; the end is the last. */
  changed: [Task]
  /** Output was appended. */
  output: [OutputPart]
}

export class Tasks extends EventEmitter<TasksEvents> {
  readonly #store: TaskStore
  readonly #tasks: Map<string, Task>
  readonly #running = new Map<string, Running>()
  readonly #writing = new SerialQueue()

  private constructor(store: TaskStore, tasks: Task[]) {
    super()
    this.setMaxListeners(0)
    this.#store = store
    this.#tasks = new Map(tasks.toReversed().map(task => [task.id, task]))
  }

  /** Reads what is kept. Whoever holds the lock of the state opens it: a task that still runs is one of a dead process. */
  static async open(directory: string): Promise<Tasks> {
    const store = new TaskStore(directory)
    const tasks = await store.load()
    for (const task of tasks.filter(({ state }) => state === 'running')) {
      endStep(task, 'failed')
      const ended = new Date().toISOString()
      const size = await store.outputSize(task.id)
      Object.assign(task, { state: 'interrupted', error: errorJson(processEnds), outputBytes: size })
      Object.assign(task, { progress: null, activities: [], ended })
      await store.save(task)
    }
    return new Tasks(store, tasks)
  }

  /** The newest first. */
  get all(): Task[] {
    return [...this.#tasks.values()].reverse()
  }

  get(id: string): Task {
    const task = this.#tasks.get(id)
    if (task !== undefined) return task
    throw new TaskError('unknown-task', `expected a task, got ${visible(id, 100)}`, {
      hint: '`thymesh tasks` lists them.',
    })
  }

  /** Begins; the work has not run yet when it resolves. `options` must hold no secrets. */
  async start(
    kind: string,
    options: Record<string, unknown>,
    work: Work,
    retries: string | null = null,
  ): Promise<Task> {
    if (this.#running.size >= runningTasks) {
      throw new TaskError('too-many', `expected at most ${runningTasks} tasks at a time, got one more`, {
        hint: 'Wait until one has ended, or cancel one.',
      })
    }
    const task: Task = {
      ...{ id: newId(), kind, options, state: 'running', started: new Date().toISOString(), ended: null },
      ...{ progress: null, steps: [], activities: [], outputBytes: 0, result: null, error: null, retries },
    }
    const cancel = new AbortController()
    const ended = Promise.withResolvers<void>()
    const output = new TaskOutput(task.id, part => this.#said(task, part))
    this.#running.set(task.id, { cancel, ended: ended.promise, output })
    this.#tasks.set(task.id, task)
    try {
      await this.#store.create(task)
    } catch (thrown) {
      this.#tasks.delete(task.id)
      this.#running.delete(task.id)
      ended.resolve()
      throw thrown
    }
    this.#forget()
    this.emit('changed', { ...task })
    void this.#run(task, work, output, cancel.signal).finally(() => {
      this.#running.delete(task.id)
      ended.resolve()
    })
    return { ...task }
  }

  /** Asks it to end; resolves when it has. */
  async cancel(id: string): Promise<Task> {
    const task = this.get(id)
    const running = this.#running.get(id)
    if (running === undefined) {
      throw new TaskError('task-ended', `expected a task that runs, got one that is ${task.state}`, {
        hint: '`thymesh tasks` shows which run.',
      })
    }
    running.cancel.abort(cancelled())
    await running.ended
    return this.get(id)
  }

  /** Resolves when it has ended. */
  async ended(id: string): Promise<Task> {
    await this.#running.get(id)?.ended
    return this.get(id)
  }

  /** Resolves when no task runs and all is written. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    await this.#writing.drain()
  }

  /** Ends all that run, since the process ends. */
  async interrupt(): Promise<void> {
    for (const { cancel } of this.#running.values()) cancel.abort(processEnds)
    await this.settled()
  }

  get running(): Task[] {
    return [...this.#running.keys()].map(id => this.get(id))
  }

  /** Output from a byte on; less than all where it is long. */
  async output(id: string, from: number, most: number): Promise<Buffer> {
    this.get(id)
    this.#running.get(id)?.output.flush()
    await this.#writing.drain()
    return await this.#store.output(id, from, most)
  }

  async #run(task: Task, work: Work, said: TaskOutput, signal: AbortSignal): Promise<void> {
    const told = new Throttle(progressMs, () => {
      const left = task.progress === null ? undefined : rate.secondsLeft(task.progress)
      if (task.progress !== null && left !== undefined) task.progress = { ...task.progress, left }
      task.activities = activities().slice(0, keptActivities)
      this.#changed(task)
    })
    let activities: () => readonly TaskActivity[] = () => []
    const rate = new Rate()
    const talk: Talk = {
      signal,
      step: name => {
        endStep(task, 'done')
        const started = new Date().toISOString()
        if (task.steps.length < keptSteps)
          task.steps = [...task.steps, { name, state: 'running', started, ended: null }]
        told.tell()
      },
      activities: now => {
        activities = now
        told.tell()
      },
      note: text => said.add(text),
      detail: line => said.add(`${detailMark}${line}`),
      progress: (progress: Progress | undefined) => {
        task.progress = progress ?? null
        told.tell()
      },
    }
    try {
      const result = await work(talk)
      endStep(task, 'done')
      Object.assign(task, { state: 'done', result })
    } catch (thrown) {
      endStep(task, 'failed')
      const state = !signal.aborted ? 'failed' : signal.reason === processEnds ? 'interrupted' : 'cancelled'
      Object.assign(task, { state, error: errorJson(signal.aborted ? signal.reason : thrown) })
    }
    told.stop()
    said.end()
    void this.#writing.run(() => this.#store.endOutput(task.id))
    Object.assign(task, { progress: null, activities: [], ended: new Date().toISOString() })
    this.#changed(task)
    await this.#writing.drain()
  }

  /** Also a controller that runs for months keeps no more than one that starts. */
  #forget(): void {
    const spare = Math.max(0, this.#tasks.size - keptTasks)
    for (const id of [...this.#tasks.keys()].slice(0, spare)) {
      if (this.#running.has(id)) continue
      this.#tasks.delete(id)
      void this.#writing.run(() => this.#store.remove(id).catch(() => {}))
    }
  }

  /** Writes and tells it. */
  #said(task: Task, part: OutputPart): void {
    task.outputBytes = part.from + part.bytes.length
    // A full disk must not end the work itself.
    void this.#writing.run(() => this.#store.append(task.id, part.bytes).catch(() => {}))
    this.emit('output', part)
  }

  #changed(task: Task): void {
    const now = { ...task }
    void this.#writing.run(() => this.#store.save(now).catch(() => {}))
    this.emit('changed', now)
  }
}

/** Steps are replaced, not changed: listeners may have the record of before. */
function endStep(task: Task, state: 'done' | 'failed'): void {
  const ended = new Date().toISOString()
  task.steps = task.steps.map(step => (step.state === 'running' ? { ...step, state, ended } : step))
}

/** Tells at most once in a while, and never after its end. */
class Throttle {
  readonly #ms: number
  readonly #tell: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, tell: () => void) {
    this.#ms = ms
    this.#tell = tell
  }

  tell(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#tell()
    }, this.#ms)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

const processEnds = new TaskError('interrupted', 'the controller ended before the task did', {
  hint: 'Look at what it had done, and give the order again.',
})

function newId(): string {
  return `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}`
}

function cancelled(): TaskError {
  return new TaskError('cancelled', 'the task was cancelled', { hint: 'Give the order again when you want it done.' })
}
