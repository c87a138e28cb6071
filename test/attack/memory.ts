/** What a process holds after collection: its heap and the bytes that hang on it. */

/** With `--expose-gc`, or after a moment's work of V8's own. */
export function heapBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
