/** Leaving a command that waits, with Ctrl-C or another signal that asks for its end: no failure, and all is put in order. */

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Does work that the operator may leave: the signal that it is given aborts with the first SIGINT or SIGTERM. A second one
 * ends the process, as it always does.
 */
export async function untilLeft<T>(work: (left: AbortSignal) => Promise<T>): Promise<T> {
  const leave = new AbortController()
  const onSignal = () => leave.abort()
  for (const signal of signals) process.once(signal, onSignal)
  try {
    return await work(leave.signal)
  } finally {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
