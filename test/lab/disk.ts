/** A small disk for a machine of the lab: it can be full, and it keeps what it has when the power goes. */

import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from './run.ts'

const MOUNT_TIMEOUT_MS = 60_000
const MEGABYTE = 1 << 20

/** A tmpfs of this computer that a machine sees: its power cuts don't reach it. */
export class LabDisk {
  readonly directory: string

  protected constructor(directory: string) {
    this.directory = directory
  }

  /** `inodes`: how many files it takes; without it, as many as this computer's memory does. */
  static async create(megabytes: number, inodes = 0): Promise<LabDisk> {
    const directory = mkdtempSync(join(tmpdir(), 'thymesh-lab-disk-'))
    const options = `size=${megabytes}m,mode=0755${inodes === 0 ? '' : `,nr_inodes=${inodes}`}`
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

  get freeInodes(): number {
    return statfsSync(this.directory).ffree
  }

  /** Makes empty files until so many inodes are left. */
  fillInodes(leave: number): void {
    const folder = join(this.directory, 'files')
    mkdirSync(folder, { recursive: true })
    for (let number = this.freeInodes; number > leave; number--) closeSync(openSync(join(folder, String(number)), 'a'))
  }

  /** Takes away what `fill` and `fillInodes` wrote. */
  clear(): void {
    for (const name of ['filler', 'files']) rmSync(join(this.directory, name), { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await mount(['umount', '--lazy', this.directory])
    rmSync(this.directory, { recursive: true, force: true })
  }
}

async function mount(argv: string[]): Promise<void> {
  await mustRun(argv, { timeoutMs: MOUNT_TIMEOUT_MS, env: process.env })
}
