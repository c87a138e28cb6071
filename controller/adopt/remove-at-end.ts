/** A temporary folder that goes when this process does. */

import { rmSync } from 'node:fs'
import { atEnd } from '../../node/process/at-end.ts'

export function removeAtEnd(directory: string): void {
  atEnd(() => rmSync(directory, { recursive: true, force: true }))
}
