/** A log for tests that look at none. */

import { type Logger, makeLogger } from '../../node/process/log.ts'

export const silentLogger: Logger = makeLogger('silent')
