/**
 * The worker thread that makes recipes: for each job, it reads the path's files and answers with the recipe or an
 * error.
 */

import { serveJobs } from '../../concurrency/thread.ts'
import { layOutNarSync } from '../../store/nar/nar-layout.ts'
import { streamNarSync } from '../../store/nar/read-nar-sync.ts'
import { makeRecipeOf, type NarFacts } from './make-recipe.ts'
import { stampOfSync } from './path-stamp.ts'

/** A job: Nix's metadata, and where the path's files actually are (a store can have another root). */
export interface RecipeJob extends NarFacts {
  readonly directory: string
}

export interface RecipeResult {
  readonly bytes: Uint8Array
  readonly references: readonly string[]
  /** Of the files, before they were read. */
  readonly stamp: Uint8Array | undefined
}

// Nobody waits for this thread meanwhile, and calls that wait for another thread cost more than the bytes of small files.
serveJobs<RecipeJob, RecipeResult>(async job => {
  // Before the files are read: a write meanwhile makes it another one.
  const stamp = stampOfSync(job.directory)
  const layout = layOutNarSync(job.directory)
  const { bytes, references } = await makeRecipeOf({ stream: () => streamNarSync(layout) }, job)
  return { bytes, references, stamp }
})
