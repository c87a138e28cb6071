/** The worker thread that compares two versions of a path: for each job it reads both and answers with the shifts. */

import { serveJobs } from '../../concurrency/thread.ts'
import { FileHandles } from '../../store/nar/file-handles.ts'
import { layOutNar } from '../../store/nar/nar-layout.ts'
import { NarReader } from '../../store/nar/nar-reader.ts'
import { findShifts } from './find-shifts.ts'
import { landmarksOf } from './landmarks.ts'

/** Where the files of the old and of the new path actually are. */
export interface ShiftJob {
  readonly before: string
  readonly after: string
}

/** For each cell of the new NAR its shift in KiB, as `Shifts` has them. */
export type ShiftResult = readonly (number | undefined)[]

const handles = new FileHandles()

serveJobs<ShiftJob, ShiftResult>(async ({ before, after }) => {
  try {
    const [old, fresh] = [
      new NarReader(await layOutNar(before), handles),
      new NarReader(await layOutNar(after), handles),
    ]
    // The references' hashes differ between the two; they are too few to matter.
    return findShifts(await landmarksOf(old.stream()), await landmarksOf(fresh.stream()), fresh.size)
  } finally {
    await handles.closeUnused()
  }
})
