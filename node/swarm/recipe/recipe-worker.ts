/**
 * The worker thread that makes recipes: for each job, it reads the path's files and answers with the recipe or an
 * error.
 */

import { serveJobs } from '../../concurrency/thread.ts'
import { FileHandles } from '../../store/nar/file-handles.ts'
import { layOutNar } from '../../store/nar/nar-layout.ts'
import { NarReader } from '../../store/nar/nar-reader.ts'
import { makeRecipeOf, type NarFacts } from './make-recipe.ts'

/** A job: Nix's metadata, and where the path's files actually are (a store can have another root). */
export interface RecipeJob extends NarFacts {
  readonly directory: string
}

export interface RecipeResult {
  readonly bytes: Uint8Array
  readonly references: readonly string[]
}

const handles = new FileHandles()

serveJobs<RecipeJob, RecipeResult>(async job => {
  try {
    const layout = await layOutNar(job.directory)
    const { bytes, references } = await makeRecipeOf(new NarReader(layout, handles), job)
    return { bytes, references }
  } finally {
    await handles.closeUnused()
  }
})
