/** The other end of a `ThreadPool`: a thread that answers each job with its result or an error. */

import { parentPort } from 'node:worker_threads'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'

/** Errors cross threads as data, since a class doesn't survive structured cloning. */
export type ThreadAnswer<Result> =
  | { readonly result: Result }
  | { readonly code: string | undefined; readonly message: string; readonly hint: string | undefined }

/** Serves this thread's pool. `given` are the buffers of a result that are moved to the pool, not copied. */
export function serveJobs<Job, Result>(
  work: (job: Job) => Promise<Result>,
  given: (result: Result) => ArrayBuffer[] = () => [],
): void {
  // One after another: the pool takes answers for those of its jobs in their order.
  let last = Promise.resolve()
  parentPort?.on('message', (job: Job) => {
    last = last
      .then(() => work(job))
      .then(
        result => parentPort?.postMessage({ result } satisfies ThreadAnswer<Result>, given(result)),
        (thrown: unknown) => {
          const { code, hint } = thrown instanceof ThymeshError ? thrown : {}
          const answer: ThreadAnswer<Result> = { code, message: messageOf(thrown), hint }
          parentPort?.postMessage(answer)
        },
      )
  })
}
