/**
 * Who watches which screen, for programs of the device that say so on it: a file for each watched screen, one line `NAME RIGHT`
 * for each view, gone with the last one. Only the daemon may write there.
 */

import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../files/durable-file.ts'

export interface View {
  readonly screen: string
  /** The name in the controller's certificate. */
  readonly name: string
  readonly right: 'screen' | 'screen:control'
}

export class WatchedScreens {
  readonly #folder: string
  readonly #views = new Set<View>()
  #last: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Nobody watches: a daemon that was killed may have left files. */
  async start(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
    await mkdir(this.#folder, { recursive: true })
    // Programs of any user read it, whatever the daemon's umask is.
    await chmod(this.#folder, 0o755)
  }

  /** Resolves when the file says so: a view begins after that. */
  async begin(view: View): Promise<void> {
    this.#views.add(view)
    await this.#write(view.screen)
  }

  async end(view: View): Promise<void> {
    if (this.#views.delete(view)) await this.#write(view.screen)
  }

  /** One after the other, each with what is true then. */
  #write(screen: string): Promise<void> {
    const write = async () => {
      const file = join(this.#folder, screen)
      const lines = [...this.#views]
        .filter(view => view.screen === screen)
        .map(({ name, right }) => `${name} ${right}\n`)
      if (lines.length === 0) await rm(file, { force: true })
      else await replaceFile(file, lines.sort().join(''), { mode: 0o644, draft: join(this.#folder, `.${screen}.new`) })
    }
    const written = this.#last.then(write)
    this.#last = written.catch(() => {})
    return written
  }
}
