/** A system below a folder, where nothing is started: the switch is a child, and the daemon keeps the deadline itself. */

import { appendFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import type { Target } from '../../protocol/encoding/fields.ts'
import { AttemptFolder } from './attempt-folder.ts'
import { bootDefault, storeLink } from './boot-default.ts'
import type { JournalEntry } from './journal-entry.ts'
import { type SwitchComponents, Switcher } from './switch.ts'
import type { ActivationSystem } from './system.ts'
import type { Decision } from './transition.ts'

export class RootedSystem implements ActivationSystem {
  readonly hasGuard = false
  readonly startsUnits = false
  readonly #root: string
  readonly #directory: string
  readonly #switcher: Switcher

  /** `directory` is the journal's. */
  constructor(components: SwitchComponents, init: { directory: string; root: string }) {
    this.#directory = init.directory
    this.#root = init.root
    this.#switcher = new Switcher(components, { root: init.root })
  }

  /** A folder never boots: what was tested in it stays. */
  async bootId(): Promise<string> {
    return 'none'
  }

  async uptime(): Promise<number> {
    return Math.floor(uptime())
  }

  running(): Promise<string | undefined> {
    return storeLink(join(this.#root, 'run/current-system'))
  }

  boots(target: Target): Promise<string | undefined> {
    return bootDefault(target, this.#root)
  }

  async units(): Promise<[]> {
    return []
  }

  async unitIsActive(): Promise<boolean> {
    return false
  }

  // Nothing boots in a folder.
  async rebootNeed(): Promise<undefined> {}

  async stage(): Promise<void> {}

  async unstage(): Promise<void> {}

  async reboot(): Promise<void> {}

  async bootEnds(): Promise<void> {}

  async isStopping(): Promise<boolean> {
    return false
  }

  markStopped(entry: JournalEntry, stopped: boolean): Promise<void> {
    return this.#attempt(entry).markStopped(stopped)
  }

  wasStopped(entry: JournalEntry): Promise<boolean> {
    return this.#attempt(entry).wasStopped()
  }

  async arm(entry: JournalEntry): Promise<void> {
    await this.#attempt(entry).prepare('')
  }

  async disarm(): Promise<void> {}

  async test(entry: JournalEntry): Promise<number | null> {
    return await this.#switch(entry, entry.new, 'test')
  }

  async rollBack(entry: JournalEntry): Promise<void> {
    if (entry.old !== undefined) await this.#switch(entry, entry.old, 'test')
    else await this.#switch(entry, entry.new, 'off')
    await this.#switcher.undoCommit(entry)
  }

  commit(entry: JournalEntry): Promise<void> {
    return this.#switcher.commit(entry)
  }

  decide(entry: JournalEntry, wanted: Decision, force?: boolean): Promise<Decision> {
    return this.#attempt(entry).decide(wanted, force)
  }

  decision(entry: JournalEntry): Promise<Decision | undefined> {
    return this.#attempt(entry).decision()
  }

  async blessBoot(): Promise<void> {}

  async notInForce(): Promise<[]> {
    return []
  }

  output(entry: JournalEntry): Promise<string> {
    return this.#attempt(entry).output()
  }

  async journalOf(): Promise<string> {
    return ''
  }

  #attempt(entry: JournalEntry): AttemptFolder {
    return new AttemptFolder(this.#directory, entry)
  }

  async #switch(entry: JournalEntry, topLevel: string, action: string): Promise<number | null> {
    const result = await this.#switcher.run(topLevel, action)
    await appendFile(join(this.#attempt(entry).directory, 'output'), `${result.output.join('\n')}\n`)
    return result.code
  }
}
