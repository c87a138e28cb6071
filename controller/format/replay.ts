/** How a recording is played, at a terminal and in the page: what is shown when, with long pauses cut. */

import { HarmlessTerminal } from './harmless-terminal.ts'

/** A pause is played so long at most, in seconds. */
const longestPause = 2

/** What is shown `at` so many seconds after the beginning. */
export interface Shown {
  readonly at: number
  readonly text: string
}

/** Of what a terminal showed, only text, colours and moves are left. A time before the last one counts as the last one. */
export function replayOf(events: readonly (readonly [seconds: number, text: string])[]): Shown[] {
  const harmless = new HarmlessTerminal()
  const all: Shown[] = []
  let at = 0
  let before = 0
  for (const [seconds, text] of events) {
    at += Math.min(longestPause, Math.max(0, seconds - before))
    before = Math.max(before, seconds)
    const shown = harmless.add(text)
    if (shown !== '') all.push({ at, text: shown })
  }
  return all
}
