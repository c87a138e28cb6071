/** A folder of a case's own, with Nix stores in it, removed at the end whatever happens. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export class Scratch {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static async make(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(tmpdir(), 'thymesh-bench-')))
  }

  /** A folder in it, made. */
  async folder(...names: string[]): Promise<string> {
    const directory = join(this.directory, ...names)
    await mkdir(directory, { recursive: true })
    return directory
  }

  /** Removes a folder of it; what Nix made is read-only. */
  async remove(directory: string): Promise<void> {
    await run('chmod', ['-R', 'u+w', directory]).catch(() => {})
    await rm(directory, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove(this.directory)
  }
}
