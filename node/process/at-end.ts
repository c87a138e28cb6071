/** What has to be done before this process ends, in whatever way it does: by itself or by a signal. */

/** Signals that end a process. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const
const duties = new Set<() => void>()

/** Adds a duty: work without waiting, which must not throw. Returns what takes it off again. */
export function atEnd(duty: () => void): () => void {
  if (duties.size === 0) watch()
  duties.add(duty)
  return () => {
    if (duties.delete(duty) && duties.size === 0) unwatch()
  }
}

function watch(): void {
  process.on('exit', doAll)
  // First, so that it sees whether others listen too.
  for (const signal of endings) process.prependListener(signal, onSignal)
}

function unwatch(): void {
  process.off('exit', doAll)
  for (const signal of endings) process.off(signal, onSignal)
}

/** Ends the process as the signal would without us, unless others listen: then they decide, and it ends in order. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return
  doAll()
  unwatch()
  process.kill(process.pid, signal)
}

function doAll(): void {
  for (const duty of duties) duty()
  duties.clear()
}
