/** The memory of a process after collection: its heap and the buffers that it refers to. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// Test runners don't pass it on, and garbage would count as held.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

export function heapBytes(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
