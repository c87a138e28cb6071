/** What a machine that is reached only over the mesh says of its last boot: the lines of its systemd, and its page of metrics. */

export interface GuestBoot {
  /** Everything was started. */
  readonly started: boolean
  /** Units that failed since, whatever became of them. */
  readonly failed: string[]
}

/** From lines of `journalctl -o short-iso` that PID 1 wrote, of which only those of the last boot count. */
export function bootOf(journal: string): GuestBoot {
  const said = journal.split('\n').flatMap(line => / systemd\[1\]: (.*)$/.exec(line)?.[1] ?? [])
  const begin = said.findLastIndex(words => /^systemd \S+ running in system mode/.test(words))
  const boot = said.slice(begin + 1)
  const failed = boot.flatMap(words => /^(\S+\.[a-z]+): Failed with result /.exec(words)?.[1] ?? [])
  return { started: boot.some(words => words.startsWith('Startup finished in ')), failed: [...new Set(failed)].sort() }
}

/** How many units are failed, from a page for Prometheus; nothing where it doesn't say. */
export function failedUnitsOf(page: string): number | undefined {
  const count = /^thymesh_failed_units(?:\{[^}\n]*\})? (\d+)/m.exec(page)?.[1]
  return count === undefined ? undefined : Number(count)
}
