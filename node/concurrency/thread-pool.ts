/** A pool of threads of one program, each of which does one job at a time: for work that would block the event loop. */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { ThymeshError } from '../../protocol/errors.ts'
import { untilAborted } from './abort-race.ts'
import type { ThreadAnswer } from './thread.ts'

/**
 * Why a job was not done: a code from the thread, or the pool's own. `pool-stopped`: it isn't running. `thread-died`: the
 * thread crashed.
 */
export class ThreadError extends ThymeshError {}

interface Task<Job, Result> {
  readonly job: Job
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

interface Thread<Job, Result> {
  readonly worker: Worker
  /** Those that it was given, the first of which it does. */
  readonly tasks: Task<Job, Result>[]
}

/** Beyond four threads the disk is the bottleneck; `spare` cores are left to others. */
export function threadCount({ spare }: { spare: number }): number {
  return Math.min(4, Math.max(1, availableParallelism() - spare))
}

/** Does jobs in the order of requests. */
export class ThreadPool<Job, Result> {
  readonly #program: URL
  readonly #threadCount: number
  readonly #tasksPerThread: number
  readonly #threads = new Set<Thread<Job, Result>>()
  readonly #waiting: Task<Job, Result>[] = []
  #running = false

  /**
   * `program` is a source that calls `serveJobs`. With `ahead`, threads are given so many jobs before their last one is done,
   * and never wait for the event loop.
   */
  constructor(program: URL, { threads, ahead = 0 }: { threads: number; ahead?: number }) {
    this.#program = program
    this.#threadCount = threads
    this.#tasksPerThread = 1 + ahead
  }

  /** Accepts jobs from now on; threads start with the first jobs. */
  start(): void {
    this.#running = true
  }

  /** Ends the threads; running and queued jobs reject with `pool-stopped`. */
  async stop(): Promise<void> {
    this.#running = false
    const threads = [...this.#threads]
    const tasks = [...this.#waiting.splice(0), ...threads.flatMap(({ tasks }) => tasks)]
    this.#threads.clear()
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
    for (const { reject } of tasks) reject(stopped())
  }

  /**
   * Has a job done.
   *
   * A queued job is dropped on abort; a running one continues without a recipient, since a thread can't be
   * interrupted without ending it.
   *
   * @throws ThreadError; the signal's reason.
   */
  async run(job: Job, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted()
    if (!this.#running) throw stopped()
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const task = { job, resolve, reject }
    this.#waiting.push(task)
    this.#assign()
    try {
      return await untilAborted(promise, signal)
    } finally {
      const place = this.#waiting.indexOf(task)
      if (place !== -1) this.#waiting.splice(place, 1)
    }
  }

  #assign(): void {
    for (const thread of this.#threads) if (thread.tasks.length === 0) this.#give(thread)
    while (this.#waiting.length > 0 && this.#threads.size < this.#threadCount) this.#give(this.#spawn())
    for (const thread of this.#threads) while (this.#hasRoom(thread)) this.#give(thread)
  }

  #give(thread: Thread<Job, Result>): void {
    const task = this.#waiting.shift()
    if (task !== undefined) {
      thread.tasks.push(task)
      thread.worker.ref()
      thread.worker.postMessage(task.job)
    }
    // An idle pool doesn't keep the process alive.
    if (thread.tasks.length === 0) thread.worker.unref()
  }

  #hasRoom({ tasks }: Thread<Job, Result>): boolean {
    return this.#waiting.length > 0 && tasks.length < this.#tasksPerThread
  }

  #spawn(): Thread<Job, Result> {
    const thread: Thread<Job, Result> = { worker: new Worker(this.#program), tasks: [] }
    this.#threads.add(thread)
    thread.worker.on('message', (answer: ThreadAnswer<Result>) => {
      const task = thread.tasks.shift()
      if (task !== undefined) settle(task, answer)
      if (this.#running) this.#give(thread)
    })
    thread.worker.on('error', cause => {
      this.#threads.delete(thread)
      for (const { reject } of thread.tasks) {
        reject(new ThreadError('thread-died', `the thread of a job died: ${cause}`, { cause }))
      }
      if (this.#running) this.#assign()
    })
    return thread
  }
}

function settle<Job, Result>({ resolve, reject }: Task<Job, Result>, answer: ThreadAnswer<Result>): void {
  if ('result' in answer) resolve(answer.result)
  else reject(new ThreadError(answer.code ?? 'failed', answer.message, { ...(answer.hint && { hint: answer.hint }) }))
}

function stopped(): ThreadError {
  return new ThreadError('pool-stopped', 'expected a running pool of threads, got one that is stopped', {
    hint: 'Call start() first, and stop() last',
  })
}
