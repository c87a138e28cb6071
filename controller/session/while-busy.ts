/** Asking a device again that was busy: one that has just met us may have others' questions to answer. */

import { setTimeout as sleep } from 'node:timers/promises'
import { ThymeshError } from '../../protocol/errors.ts'

const busyPauseMs = 2_000
const busyTries = 3

/** Does the work, and again where the device was busy. Throws what the last try threw. */
export async function whileBusy<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (thrown) {
      if (tries >= busyTries || !(thrown instanceof ThymeshError) || thrown.code !== 'busy') throw thrown
      await sleep(busyPauseMs)
    }
  }
}
