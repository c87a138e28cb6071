/** A pool of threads that make recipes, so that hashing gigabytes doesn't block the event loop. */

import { decodeRecipe, recipeId } from '../../../protocol/closure/recipe.ts'
import { ThreadPool, threadCount } from '../../concurrency/thread-pool.ts'
import type { MadeRecipe } from './make-recipe.ts'
import type { RecipeJob, RecipeResult } from './recipe-worker.ts'

export type { RecipeJob } from './recipe-worker.ts'

/** A pool of threads that make recipes in the order of requests. */
export class RecipePool {
  readonly #pool: ThreadPool<RecipeJob, RecipeResult>

  /** On all cores: the event loop has little to do meanwhile, and gets its share of them. */
  constructor({ threads = threadCount({ spare: 0 }) } = {}) {
    this.#pool = new ThreadPool(new URL('./recipe-worker.ts', import.meta.url), { threads })
  }

  /** Accepts jobs from now on; threads start with the first jobs. */
  start(): void {
    this.#pool.start()
  }

  /** Ends the threads; running and queued jobs reject with `pool-stopped`. */
  stop(): Promise<void> {
    return this.#pool.stop()
  }

  /**
   * Makes the recipe of a path from its files, with their stamp from before.
   *
   * @throws ThreadError with a code of MakeRecipeError or StoreError, or its own; the signal's reason.
   */
  async make(job: RecipeJob, signal?: AbortSignal): Promise<MadeRecipe & Pick<RecipeResult, 'stamp'>> {
    const { bytes, references, stamp } = await this.#pool.run(job, signal)
    return { recipe: decodeRecipe(bytes), bytes, id: recipeId(bytes), references, stamp }
  }
}
