/** One attempt's folder: the guard's script and facts, the decision, which can be made only once, results and output. */

import { mkdir, open, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { replaceLink, syncDirectory } from '../files/durable-file.ts'
import { readUpTo } from '../files/file-io.ts'
import { isMissing } from '../files/missing.ts'
import { writeDurably } from './journal.ts'
import { attemptIdPattern, type JournalEntry } from './journal-entry.ts'
import type { Decision } from './transition.ts'

/** How much of the output is read: the end says what went wrong. */
const outputBytes = 128 * 1024

const guardSource = fileURLToPath(new URL('./guard.sh', import.meta.url))

/** An update may have been armed by an older daemon, whose baseline has failed units only. */
const countsWantsLine = 'baseline=wanted'

const decisions: readonly string[] = ['commit', 'hold', 'roll-back'] satisfies Decision[]

/** The facts of an update that the guard needs. */
export type AttemptFacts = Pick<JournalEntry, 'id' | 'target' | 'new' | 'old'>

export class AttemptFolder {
  readonly directory: string
  readonly #parent: string
  readonly #facts: AttemptFacts

  /** `parent` is the journal's folder. */
  constructor(parent: string, facts: AttemptFacts) {
    this.#parent = parent
    this.#facts = facts
    this.directory = join(parent, facts.id)
  }

  /** The guard's script, beside the folder: that of the daemon that armed it. */
  get guard(): string {
    return join(this.directory, 'guard.sh')
  }

  /** Writes everything that the guard needs to the disk, after it has removed all earlier attempts, also of this ID. */
  async prepare(store: string): Promise<void> {
    for (const name of await readdir(this.#parent)) {
      if (attemptIdPattern.test(name)) await rm(join(this.#parent, name), { recursive: true, force: true })
    }
    const { id, target, new: next, old } = this.#facts
    const lines = [`id=${id}`, `target=${target}`, `new=${next}`, `old=${old ?? ''}`, `store=${store}`, countsWantsLine]
    await writeDurably(this.directory, 'attempt', `${lines.join('\n')}\n`)
    await writeDurably(this.directory, 'guard.sh', await readFile(guardSource, 'utf8'), 0o700)
    await syncDirectory(this.#parent)
  }

  /** Whether units that were wanted and not active before the switch are in the journal's baseline. */
  async countsWants(): Promise<boolean> {
    return (await this.#text('attempt'))?.split('\n').includes(countsWantsLine) ?? false
  }

  async decision(): Promise<Decision | undefined> {
    try {
      const text = await readlink(join(this.directory, 'decision'))
      return decisions.includes(text) ? (text as Decision) : undefined
    } catch (thrown) {
      if (isMissing(thrown)) return undefined
      throw thrown
    }
  }

  /** Makes the decision unless there is one, and returns the one that holds. `force` replaces one of our own. */
  async decide(wanted: Decision, force = false): Promise<Decision> {
    const link = join(this.directory, 'decision')
    // The power may have gone before anything of the attempt was written: then it is taken back all the same.
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    if (force) {
      await replaceLink(link, wanted)
    } else {
      await symlink(wanted, link).catch((thrown: unknown) => {
        if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown
      })
      await syncDirectory(this.directory)
    }
    return (await this.decision()) ?? wanted
  }

  /** An exit code that the guard wrote; nothing before it has, or when a full disk took nothing of it. */
  async code(name: 'result' | 'outcome'): Promise<number | undefined> {
    const code = Number.parseInt((await this.#text(name)) ?? '', 10)
    return Number.isNaN(code) ? undefined : code
  }

  async started(): Promise<boolean> {
    return (await this.#text('started')) !== undefined
  }

  async markStopped(stopped: boolean): Promise<void> {
    if (stopped) await writeDurably(this.directory, 'stopped', '')
    else await rm(join(this.directory, 'stopped'), { force: true })
  }

  async wasStopped(): Promise<boolean> {
    return (await this.#text('stopped')) !== undefined
  }

  /** The end of the switch's output. */
  async output(): Promise<string> {
    try {
      await using file = await open(join(this.directory, 'output'))
      const { size } = await file.stat()
      const from = Math.max(0, size - outputBytes)
      return (await readUpTo(file, size - from, from)).toString('utf8')
    } catch (thrown) {
      if (isMissing(thrown)) return ''
      throw thrown
    }
  }

  async #text(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.directory, name), 'utf8')
    } catch (thrown) {
      if (isMissing(thrown)) return undefined
      throw thrown
    }
  }
}
