/** The journal: one file that says where the update stands, on the disk before anything is done about it. */

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../protocol/errors.ts'
import { replaceFile } from '../files/durable-file.ts'
import { isMissing } from '../files/missing.ts'
import type { Logger } from '../process/log.ts'
import { formatEntry, type JournalEntry, parseEntry } from './journal-entry.ts'

export interface JournalComponents {
  log: Logger
  /** Called when an entry is on the disk, before its effect; a test may stop here for ever. */
  written?: (entry: JournalEntry) => Promise<void>
}

/** Where a daemon has its journal and what belongs to it. */
export function activationDirectory(state: string): string {
  return join(state, 'activation')
}

export class Journal {
  readonly #components: JournalComponents
  readonly directory: string

  constructor(components: JournalComponents, init: { directory: string }) {
    this.#components = components
    this.directory = init.directory
  }

  /** The entry of the last update; nothing when there was none, or when it can't be read, which is logged. */
  read(): Promise<JournalEntry | undefined> {
    return this.#read('journal')
  }

  /** The entry of the last update that was committed, which may be an earlier one; earlier daemons wrote none. */
  committed(): Promise<JournalEntry | undefined> {
    return this.#read('committed')
  }

  async #read(name: string): Promise<JournalEntry | undefined> {
    const file = join(this.directory, name)
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (thrown) {
      if (isMissing(thrown)) return undefined
      throw thrown
    }
    try {
      return parseEntry(text)
    } catch (thrown) {
      this.#components.log.error({ file, reason: messageOf(thrown) }, 'the journal cannot be read')
      return undefined
    }
  }

  /** On the disk, whole, when it resolves. */
  async write(entry: JournalEntry): Promise<void> {
    const text = formatEntry(entry)
    // First: else a power cut between the two would leave the one before as the last.
    if (entry.state === 'committed') await writeDurably(this.directory, 'committed', text)
    await writeDurably(this.directory, 'journal', text)
    this.#components.log.info({ state: entry.state, release: entry.release, code: entry.code }, 'journal')
    await this.#components.written?.(entry)
  }
}

/** Writes a file of a folder that is made where it is missing. When it resolves, the file is on the disk, whole. */
export async function writeDurably(directory: string, name: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await replaceFile(join(directory, name), text, { mode })
}
