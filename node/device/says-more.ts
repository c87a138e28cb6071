/** Whether a device has something to say that it has not said: the wording of why it waits is nothing in a large fleet. */

import { isDeepStrictEqual } from 'node:util'
import type { Report } from '../../protocol/report/report.ts'
import { gossipedMembers } from '../mesh/limits.ts'

/**
 * Whether a report without counter and time says more than the last one, in a fleet of so many members. In a large one, thousands of
 * devices that wait would say every ten minutes what they have heard of the others.
 */
export function saysMore<T extends Pick<Report, 'turn'>>(next: T, told: T, members: number): boolean {
  if (members <= gossipedMembers || next.turn === undefined || told.turn === undefined) {
    return !isDeepStrictEqual(next, told)
  }
  const { reason } = told.turn
  return !isDeepStrictEqual({ ...next, turn: { ...next.turn, reason } }, told)
}
