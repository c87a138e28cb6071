/** A small disk for a machine of the lab: it can be full, and it keeps what it has when the power goes. */

import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from './run.ts'

const MOUNT_TIMEOUT_MS = 10_000
const MEGABYTE = 1 << 20

/** A tmpfs of this computer that a machine sees: its power cuts don't reach it. */
export class LabDisk {
  readonly directory: string

  protected constructor(directory: string) {
    this.directory = directory
  }

  static async create(megabytes: number): Promise<LabDisk> {
    const directory = mkdtempSync(join(tmpdir(), 'thymesh-lab-disk-'))
    const options = `size=${megabytes}m,mode=0755`
    await mount(['mount', '-t', 'tmpfs', '-o', options, 'thymesh-lab', directory])
    return new LabDisk(directory)
  }

  /** Binds for folders of the disk: its name → the path in the machine. */
  binds(folders: Readonly<Record<string, string>>): { from: string; to: string; writable: true }[] {
    return Object.entries(folders).map(([name, to]) => {
      const from = join(this.directory, name)
      mkdirSync(from, { recursive: true })
      return { from, to, writable: true }
    })
  }

  get freeMegabytes(): number {
    const { bavail, bsize } = statfsSync(this.directory)
    return Math.floor((bavail * bsize) / MEGABYTE)
  }

  /** Writes a file until so many megabytes are left. */
  fill(leaveMegabytes: number): void {
    const block = Buffer.alloc(MEGABYTE)
    const file = openSync(join(this.directory, 'filler'), 'a')
    try {
      while (this.freeMegabytes > leaveMegabytes) writeSync(file, block)
    } finally {
      closeSync(file)
    }
  }

  /** Takes away what `fill` wrote. */
  clear(): void {
    rmSync(join(this.directory, 'filler'), { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await mount(['umount', '--lazy', this.directory])
    rmSync(this.directory, { recursive: true, force: true })
  }
}

async function mount(argv: string[]): Promise<void> {
  await mustRun(argv, { timeoutMs: MOUNT_TIMEOUT_MS, env: process.env })
}
