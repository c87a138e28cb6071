/** Long lists in pages: `limit` rows at a time, each page after the last row of the one before. */

import { z } from 'zod'
import { ApiError } from './api-error.ts'
import { maxPageRows } from './limits.ts'

export const pageOptions = {
  limit: z.int().min(1).max(maxPageRows).optional(),
  /** `next` of the page before. */
  after: z.string().max(200).optional(),
}

export interface PageOptions {
  readonly limit?: number | undefined
  readonly after?: string | undefined
}

/** The rows after `after`, by their keys; all where there is no limit. `next` is missing at the end of the list. */
export function page<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  { limit = Number.POSITIVE_INFINITY, after }: PageOptions,
): { rows: Row[]; next?: string } {
  const from = after === undefined ? 0 : rows.findIndex(row => keyOf(row) === after) + 1
  if (after !== undefined && from === 0) {
    throw new ApiError(
      'unknown-cursor',
      `after: expected the "next" of an earlier page, got ${JSON.stringify(after)}`,
      {
        hint: 'Read the list again from its beginning: the row may be gone.',
      },
    )
  }
  const shown = rows.slice(from, from + limit)
  const last = shown.at(-1)
  return { rows: shown, ...(last !== undefined && from + limit < rows.length && { next: keyOf(last) }) }
}
