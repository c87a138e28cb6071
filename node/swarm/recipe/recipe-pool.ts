/** A pool of threads that make recipes, so that hashing gigabytes doesn't block the event loop. */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { decodeRecipe, recipeId } from '../../../protocol/closure/recipe.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { untilAborted } from '../../concurrency/abort-race.ts'
import type { MadeRecipe } from './make-recipe.ts'
import type { RecipeAnswer, RecipeJob } from './recipe-worker.ts'

export type { RecipeJob } from './recipe-worker.ts'

/** The number of threads: one core is left to the event loop, and beyond four the disk is the bottleneck. */
const recipeThreads = Math.min(4, Math.max(1, availableParallelism() - 1))

/**
 * Why the pool made no recipe: a code from the thread (MakeRecipeError's, StoreError's) or its own. `pool-stopped`:
 * it isn't running. `thread-died`: the thread crashed.
 */
export class RecipePoolError extends ThymeshError {}

interface Task {
  readonly job: RecipeJob
  readonly resolve: (made: MadeRecipe) => void
  readonly reject: (reason: unknown) => void
}

interface Thread {
  readonly worker: Worker
  task: Task | undefined
}

/** A pool of threads that make recipes in the order of requests. */
export class RecipePool {
  readonly #threadCount: number
  readonly #threads = new Set<Thread>()
  readonly #waiting: Task[] = []
  #running = false

  constructor({ threads = recipeThreads } = {}) {
    this.#threadCount = threads
  }

  /** Accepts jobs from now on; threads start with the first jobs. */
  start(): void {
    this.#running = true
  }

  /** Ends the threads; running and queued jobs reject with `pool-stopped`. */
  async stop(): Promise<void> {
    this.#running = false
    const threads = [...this.#threads]
    const tasks = [...this.#waiting.splice(0), ...threads.flatMap(({ task }) => task ?? [])]
    this.#threads.clear()
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
    for (const { reject } of tasks) reject(stopped())
  }

  /**
   * Makes the recipe of a path from its files.
   *
   * A queued job is dropped on abort; a running one continues without a recipient, since a thread can't be
   * interrupted without ending it.
   *
   * @throws RecipePoolError; the signal's reason.
   */
  async make(job: RecipeJob, signal?: AbortSignal): Promise<MadeRecipe> {
    signal?.throwIfAborted()
    if (!this.#running) throw stopped()
    const { promise, resolve, reject } = Promise.withResolvers<MadeRecipe>()
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
    for (const thread of this.#threads) {
      if (thread.task === undefined) this.#give(thread)
    }
    while (this.#waiting.length > 0 && this.#threads.size < this.#threadCount) this.#give(this.#spawn())
  }

  #give(thread: Thread): void {
    thread.task = this.#waiting.shift()
    if (thread.task === undefined) {
      // An idle pool doesn't keep the process alive.
      thread.worker.unref()
      return
    }
    thread.worker.ref()
    thread.worker.postMessage(thread.task.job)
  }

  #spawn(): Thread {
    const thread: Thread = { worker: new Worker(new URL('./recipe-worker.ts', import.meta.url)), task: undefined }
    this.#threads.add(thread)
    thread.worker.on('message', (answer: RecipeAnswer) => {
      const { task } = thread
      if (task !== undefined) settle(task, answer)
      if (this.#running) this.#give(thread)
    })
    thread.worker.on('error', cause => {
      this.#threads.delete(thread)
      const problem = `the thread that made the recipe of ${thread.task?.job.path ?? 'nothing'} died: ${cause}`
      thread.task?.reject(new RecipePoolError('thread-died', problem, { cause }))
      if (this.#running) this.#assign()
    })
    return thread
  }
}

function settle({ resolve, reject }: Task, answer: RecipeAnswer): void {
  if ('bytes' in answer) {
    const { bytes, references } = answer
    resolve({ recipe: decodeRecipe(bytes), bytes, id: recipeId(bytes), references })
  } else {
    reject(new RecipePoolError(answer.code ?? 'failed', answer.message, { hint: answer.hint }))
  }
}

function stopped(): RecipePoolError {
  return new RecipePoolError('pool-stopped', 'expected a running recipe pool, got one that is stopped', {
    hint: 'Call start() first, and stop() last',
  })
}
