/** When a process started: what tells it from another one that has its ID today. */

import { readFileSync } from 'node:fs'

/** When a process started, in ticks since the boot: its ID alone may be another one's today. Nothing when none runs. */
export function startOf(pid: number): string | undefined {
  try {
    // proc(5): the 22nd field; the second one, the name in brackets, may have spaces.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
