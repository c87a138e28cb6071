/** The memory of a process after collection: its heap and the buffers that it refers to. */

/** With `--expose-gc`, or after a moment's work of V8's own. */
export function heapBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
