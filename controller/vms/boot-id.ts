/** Which boot of this computer it is: process IDs and their times begin anew with each. */

import { readFileSync } from 'node:fs'

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}
