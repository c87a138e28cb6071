/** Closures for a loop of fetches: each is new to everyone, or an update of the one before. They leave the machine's store again. */

import { randomBytes, randomFillSync } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output } from '../bench/apt.ts'

/** Bytes of a program that an update changes in places, and of what is new in each version. */
const usualProgramBytes = 12 << 20
const freshBytes = 4 << 20
const smallFiles = 300
/** Places of the program, and small files, that an update changes. */
const changedPlaces = 64
const changedFiles = 10
const changedBytes = 1024

export type Kind = 'cold' | 'update'

interface Made {
  readonly topLevel: string
  readonly paths: readonly string[]
  /** The link that keeps it from being collected. */
  readonly root: string
}

/** Makes one closure after another in the machine's store. */
export class Closures {
  readonly #folder: string
  readonly #program: Buffer
  readonly #files: Buffer[] = []
  readonly #made: Made[] = []
  #number = 0

  /** `folder`: for what goes into the store, and for roots. */
  constructor(folder: string, { programBytes = usualProgramBytes } = {}) {
    this.#folder = folder
    this.#program = Buffer.alloc(programBytes)
  }

  /** The next one: all of it new, or changed in places. */
  async make(kind: Kind): Promise<Made> {
    const number = ++this.#number
    if (kind === 'cold') this.#renew()
    else this.#change()
    const parts = [
      await this.#add(`soak-program-1.${number}`, { program: this.#program }),
      await this.#add(
        `soak-files-1.${number}`,
        Object.fromEntries(this.#files.map((content, index) => [`file-${index}`, content])),
      ),
      await this.#add(`soak-fresh-1.${number}`, { fresh: randomBytes(freshBytes) }),
    ]
    const root = join(this.#folder, `system-${number}`)
    const expression = join(import.meta.dirname, '../bench/systems.nix')
    const given = ['--argstr', 'name', `soak-${number}`, '--argstr', 'parts', JSON.stringify(parts)]
    const options = ['--option', 'build-users-group', '', '--option', 'sandbox', 'false', '--quiet']
    const built = await output('nix-build', [expression, ...given, ...options, '--out-link', root])
    const topLevel = built.trim()
    // It refers to the parts, and Nix deletes nothing that is referred to.
    const derivation = (await output('nix-store', ['--query', '--deriver', topLevel])).trim()
    const made = { topLevel, paths: [topLevel, derivation, ...parts], root }
    this.#made.push(made)
    return made
  }

  /** Removes all but the newest few from the machine's store: an update is made from the one before. */
  async forget(kept: number): Promise<void> {
    for (const { root, paths } of this.#made.splice(0, Math.max(0, this.#made.length - kept))) {
      await rm(root, { force: true })
      // A path that somebody else keeps stays, and is collected some day.
      await output('nix-store', ['--delete', ...paths]).catch(() => {})
    }
  }

  #renew(): void {
    randomFillSync(this.#program)
    this.#files.splice(0, Number.POSITIVE_INFINITY, ...Array.from({ length: smallFiles }, smallFile))
  }

  #change(): void {
    for (let place = 0; place < changedPlaces; place++) {
      const at = Math.floor(Math.random() * (this.#program.length - changedBytes))
      randomBytes(changedBytes).copy(this.#program, at)
    }
    for (let file = 0; file < changedFiles; file++) this.#files[Math.floor(Math.random() * smallFiles)] = smallFile()
  }

  /** Writes a folder and gives its store path. */
  async #add(name: string, files: Readonly<Record<string, Buffer>>): Promise<string> {
    const folder = join(this.#folder, name)
    await mkdir(folder)
    for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
    const path = await output('nix-store', ['--add', folder])
    await rm(folder, { recursive: true })
    return path.trim()
  }
}

/** Text of a few kilobytes that compresses. */
function smallFile(): Buffer {
  const words = randomBytes(512).toString('hex')
  return Buffer.from(`${words}\n`.repeat(1 + Math.floor(Math.random() * 8)))
}
