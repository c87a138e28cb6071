/** A disk of its own for a machine of the lab, which loses at a power cut what was not synced, as a real one does. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabDisk } from './disk.ts'
import { LabError } from './errors.ts'
import { mustRun, run } from './run.ts'

const TIMEOUT_MS = 60_000
/** A copy that the kernel wrote into is made again: it comes to rest within some seconds. */
const MAX_COPIES = 20

/**
 * An ext4 file system in a file, through a loop device. Written data waits in the kernel's cache of that file system
 * and reaches the file when it is synced, or after some time; so the file is at every moment what a power cut would leave.
 */
export class BlockDisk extends LabDisk {
  readonly #place: string

  private constructor(place: string) {
    super(join(place, 'mounted'))
    this.#place = place
  }

  static override async create(megabytes: number): Promise<BlockDisk> {
    const disk = new BlockDisk(mkdtempSync(join(tmpdir(), 'thymesh-lab-block-')))
    mkdirSync(disk.directory)
    await must(['truncate', '-s', `${megabytes}M`, disk.#image])
    await must(['mkfs.ext4', '-q', '-m', '0', disk.#image])
    await disk.#mount()
    return disk
  }

  get #image(): string {
    return join(this.#place, 'image')
  }

  /** Writes down what is in the cache, as the kernel does by itself after some 30 seconds. */
  async sync(): Promise<void> {
    await must(['sync', '--file-system', this.directory])
  }

  /** After a power cut, before the next boot: takes away what was not synced. Nothing may run on the disk. */
  async loseUnsynced(): Promise<void> {
    const [copy, second] = [join(this.#place, 'copy'), join(this.#place, 'second')]
    for (let copies = 1; ; copies++) {
      for (const each of [copy, second]) await must(['cp', '--sparse=always', this.#image, each])
      const { code } = await run(['cmp', '--silent', copy, second], { timeoutMs: TIMEOUT_MS, env: process.env })
      if (code === 0) break
      if (copies === MAX_COPIES) throw new LabError('timeout', 'expected the disk to come to rest, it is written to')
    }
    // Only now: unmounting writes down what a power cut would have lost.
    await must(['umount', this.directory])
    await must(['mv', copy, this.#image])
    rmSync(second)
    await this.#mount()
  }

  async #mount(): Promise<void> {
    await must(['mount', '-o', 'loop,noatime', this.#image, this.directory])
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    rmSync(this.#place, { recursive: true, force: true })
  }
}

async function must(argv: string[]): Promise<void> {
  await mustRun(argv, { timeoutMs: TIMEOUT_MS, env: process.env })
}
