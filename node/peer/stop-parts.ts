/** Stops the parts of a peer. */

import { messageOf } from '../../protocol/errors.ts'
import type { Logger } from '../process/log.ts'

/** One after the other; a failure of one doesn't keep the others from stopping. */
export async function stopParts(parts: readonly { stop(): unknown }[], log: Logger): Promise<void> {
  for (const part of parts) {
    try {
      await part.stop()
    } catch (thrown) {
      log.warn({ reason: messageOf(thrown) }, 'a part did not stop cleanly')
    }
  }
}
