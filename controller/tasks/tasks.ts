/** Tasks of a controller: each runs to its end or until it is cancelled, and what it said is kept. */

import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import { visible } from '../../protocol/encoding/visible.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Progress, Task } from '../api/schemas/task.ts'
import { errorJson } from '../format/error-json.ts'
import { lineCharacters, outputBytes, progressMs, runningTasks } from './limits.ts'
import { detailMark, type Talk } from './talk.ts'
import { TaskStore } from './task-store.ts'

export class TaskError extends HintedError<'unknown-task' | 'cancelled' | 'interrupted' | 'too-many' | 'task-ended'> {}

/** What a task does; gives its result. */
export type Work = (talk: Talk) => Promise<Record<string, unknown>>

interface Running {
  readonly cancel: AbortController
  readonly ended: Promise<void>
}

interface TasksEvents {
  /** The record is another one; the end is the last. */
  changed: [Task]
  /** Output was appended; `text` begins at this byte. */
  output: [id: string, from: number, text: string]
}

export class Tasks extends EventEmitter<TasksEvents> {
  readonly #store: TaskStore
  readonly #tasks: Map<string, Task>
  readonly #running = new Map<string, Running>()
  readonly #writing = new SerialQueue()
  /** Output that is not written yet, by task. */
  readonly #pending = new Map<string, string>()

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
      Object.assign(task, { state: 'interrupted', progress: null, ended: new Date().toISOString() })
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
      ...{ progress: null, outputBytes: 0, result: null, error: null, retries },
    }
    const cancel = new AbortController()
    const ended = Promise.withResolvers<void>()
    this.#running.set(task.id, { cancel, ended: ended.promise })
    this.#tasks.set(task.id, task)
    try {
      await this.#store.create(task)
    } catch (thrown) {
      this.#tasks.delete(task.id)
      this.#running.delete(task.id)
      ended.resolve()
      throw thrown
    }
    this.emit('changed', { ...task })
    void this.#run(task, work, cancel.signal).finally(() => {
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
    await this.#writing.drain()
    return await this.#store.output(id, from, most)
  }

  async #run(task: Task, work: Work, signal: AbortSignal): Promise<void> {
    const said = new Output(text => this.#append(task, text))
    const told = new Throttle(progressMs, () => this.#changed(task))
    const talk: Talk = {
      signal,
      note: text => said.add(text),
      detail: line => said.add(`${detailMark}${line}`),
      progress: (progress: Progress | undefined) => {
        task.progress = progress ?? null
        told.tell()
      },
    }
    try {
      const result = await work(talk)
      Object.assign(task, { state: 'done', result })
    } catch (thrown) {
      const state = !signal.aborted ? 'failed' : signal.reason === processEnds ? 'interrupted' : 'cancelled'
      Object.assign(task, { state, error: errorJson(signal.aborted ? signal.reason : thrown) })
    }
    told.stop()
    said.end()
    Object.assign(task, { progress: null, ended: new Date().toISOString() })
    this.#changed(task)
    await this.#writing.drain()
  }

  #append(task: Task, text: string): void {
    const from = task.outputBytes
    task.outputBytes += Buffer.byteLength(text)
    const pending = this.#pending.get(task.id)
    this.#pending.set(task.id, (pending ?? '') + text)
    if (pending === undefined) void this.#writing.run(() => this.#flush(task.id))
    this.emit('output', task.id, from, text)
  }

  /** Writes at once what came since the last time. */
  async #flush(id: string): Promise<void> {
    const text = this.#pending.get(id) ?? ''
    this.#pending.delete(id)
    // A full disk must not end the work itself.
    await this.#store.append(id, text).catch(() => {})
  }

  #changed(task: Task): void {
    const now = { ...task }
    void this.#writing.run(() => this.#store.save(now).catch(() => {}))
    this.emit('changed', now)
  }
}

/** Most output is: it needs no closer look. */
const plain = /^[\n -~]*$/

/** Lines within bounds, made harmless for a terminal. */
class Output {
  readonly #append: (text: string) => void
  #bytes = 0
  #left = 0

  constructor(append: (text: string) => void) {
    this.#append = append
  }

  add(text: string): void {
    const isPlain = text.length <= lineCharacters && plain.test(text)
    const shown = isPlain
      ? text
      : text
          .split('\n')
          .map(line => visible(line, lineCharacters))
          .join('\n')
    const block = `${shown}\n`
    this.#bytes += Buffer.byteLength(block)
    if (this.#bytes <= outputBytes) this.#append(block)
    else this.#left += 1
  }

  end(): void {
    if (this.#left > 0) this.#append(`(${this.#left} more lines are left out)\n`)
  }
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
