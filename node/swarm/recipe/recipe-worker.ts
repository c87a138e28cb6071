/**
 * The worker thread that makes recipes: for each job, it reads the path's files and answers with the recipe or an
 * error.
 */

import { parentPort } from 'node:worker_threads'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { FileHandles } from '../../store/nar/file-handles.ts'
import { layOutNar } from '../../store/nar/nar-layout.ts'
import { NarReader } from '../../store/nar/nar-reader.ts'
import { makeRecipeOf, type NarFacts } from './make-recipe.ts'

/** A job: Nix's metadata, and where the path's files actually are (a store can have another root). */
export interface RecipeJob extends NarFacts {
  readonly directory: string
}

/** The answer: errors cross threads as data, since a class doesn't survive structured cloning. */
export type RecipeAnswer =
  | { readonly bytes: Uint8Array; readonly references: readonly string[] }
  | { readonly code: string | undefined; readonly message: string; readonly hint: string | undefined }

const handles = new FileHandles()

parentPort?.on('message', (job: RecipeJob) => {
  void answer(job).then(reply => parentPort?.postMessage(reply))
})

async function answer(job: RecipeJob): Promise<RecipeAnswer> {
  try {
    const layout = await layOutNar(job.directory)
    const { bytes, references } = await makeRecipeOf(new NarReader(layout, handles), job)
    return { bytes, references }
  } catch (thrown) {
    const { code, hint } = thrown instanceof ThymeshError ? thrown : {}
    return { code, message: messageOf(thrown), hint }
  } finally {
    await handles.closeUnused()
  }
}
