/** Editing a project: several files at once, checked before anything is written, all of them written or none. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessMissing } from '../../node/files/missing.ts'
import { messageOf } from '../../protocol/errors.ts'
import { checkFiles } from './check.ts'
import { EditError } from './edit-error.ts'
import type { Overlay, ProjectFiles } from './files.ts'
import { foreignBytes } from './foreign-text.ts'
import { git } from './git.ts'
import { checkLayers } from './layers.ts'
import { conflictMarker } from './located-json.ts'
import { type DescribedModules, type DescribeOptions, describeModules, modulesOf } from './modules.ts'
import { CheckError, type Problem, sortedProblems } from './problem.ts'
import { withTree } from './tree.ts'
import { type Change, writeFiles } from './write-files.ts'

export { EditError, entryExists } from './edit-error.ts'

/** The wanted content: a file's text or bytes, or its removal. Paths are relative to the project's folder. */
export class ProjectEdit {
  readonly directory: string
  readonly #before = new Map<string, Buffer | undefined>()
  readonly #after = new Map<string, Buffer | undefined>()

  constructor(directory: string) {
    this.directory = directory
  }

  /** A file's content: edited, or as it is on the disk. Nothing when there is none. */
  async read(file: string): Promise<string | undefined> {
    return (await this.readBytes(file))?.toString('utf8')
  }

  async readBytes(file: string): Promise<Buffer | undefined> {
    if (this.#after.has(file)) return this.#after.get(file)
    if (!this.#before.has(file)) this.#before.set(file, await readOrNothing(join(this.directory, file)))
    return this.#before.get(file)
  }

  async write(file: string, content: string | Uint8Array): Promise<void> {
    const before = await this.readBytes(file)
    if (before !== undefined && conflictMarker(before.toString('utf8')) !== undefined) {
      throw new EditError('merge-conflict', `${file} has a merge conflict marker; nothing was written`, {
        hint: 'Resolve the conflict in it, then try again.',
      })
    }
    // Who edits its text would write signs of something unknown in their place.
    const foreign = before !== undefined && typeof content === 'string' ? foreignBytes(before) : undefined
    if (foreign !== undefined) {
      throw new EditError('unreadable', `${file}:${foreign.line} ${foreign.words}; nothing was written`, {
        hint: 'Open it in an editor and save it as UTF-8, then try again.',
      })
    }
    this.#after.set(file, Buffer.from(content))
  }

  async remove(file: string): Promise<void> {
    await this.readBytes(file)
    this.#after.set(file, undefined)
  }

  /** Files that will be others than they are. */
  get changed(): string[] {
    return [...this.#after].filter(([file, after]) => !same(after, this.#before.get(file))).map(([file]) => file)
  }

  /** Those with their bytes; nothing where there is no file. */
  get changes(): Change[] {
    return this.changed.map(file => ({ file, before: this.#before.get(file), after: this.#after.get(file) }))
  }

  get overlay(): Overlay {
    return new Map([...this.#after].map(([file, bytes]) => [file, bytes?.toString('utf8')]))
  }

  /**
   * Checks the project as it would be, then writes. Throws a CheckError with what the edit would make wrong (what was
   * wrong before is not asked), or an EditError when a file was changed meanwhile; nothing is written then.
   */
  async apply(options: DescribeOptions): Promise<string[]> {
    const { changed } = this
    if (changed.length === 0) return []
    const { added } = await this.findings(options)
    if (added.length > 0) throw new CheckError(added)
    return await this.save()
  }

  /** Writes what others have checked. Throws an EditError when a file was changed meanwhile; nothing is written then. */
  async save(): Promise<string[]> {
    const { changed, changes } = this
    await writeFiles(this.directory, changes, async () => {
      for (const file of changed) {
        const now = await readOrNothing(join(this.directory, file))
        if (same(now, this.#before.get(file))) continue
        throw new EditError('changed-meanwhile', `${file} was changed in the meantime; nothing was written`, {
          hint: 'Review the change, then try again.',
        })
      }
    })
    // Nix sees what Git knows; what is in a file stays the user's to add.
    const added = changed.filter(file => this.#before.get(file) === undefined && this.#after.get(file) !== undefined)
    if (added.length > 0) await git(this.directory, ['add', '--intent-to-add', '--', ...added])
    return changed
  }

  /** What the edit would make wrong, and what is wrong already. */
  async findings(options: DescribeOptions): Promise<{ added: Problem[]; known: Problem[] }> {
    const before = await checkFiles(this.directory)
    const after = await checkFiles(this.directory, this.overlay)
    const described = await describeModules(this.directory, before.files.modules, options)
    const next = await this.#describedNext(after.files.modules, described, options)
    const layers = async (files: ProjectFiles, { modules, problems }: DescribedModules) =>
      (await checkLayers(this.directory, files, modules, problems.length === 0)).problems
    const known = [...before.problems, ...described.problems, ...(await layers(before.files, described))]
    const now = [...after.problems, ...next.problems, ...(await layers(after.files, next))]
    const essences = new Set(known.map(essence))
    const added = now.filter(problem => !essences.has(essence(problem)))
    return { added: sortedProblems(added), known: sortedProblems(known) }
  }

  /** Nix reads edited modules before they are written. */
  async #describedNext(
    names: readonly string[],
    now: DescribedModules,
    options: DescribeOptions,
  ): Promise<DescribedModules> {
    const isModule = (file: string) => /^modules\/[^/]+\.nix$/.test(file)
    const changed = Object.fromEntries(
      this.changed.flatMap(file => {
        const text = isModule(file) ? this.#after.get(file)?.toString('utf8') : undefined
        return text === undefined ? [] : [[file, text]]
      }),
    )
    if (Object.keys(changed).length === 0 || options.modules !== undefined) return now
    return await withTree(this, tree => modulesOf(tree, names, options), { changed })
  }
}

/** A problem wherever it stands: an edit moves lines. */
function essence({ file, key, message }: Problem): string {
  return `${file}\0${key}\0${message}`
}

function same(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b)
}

async function readOrNothing(file: string): Promise<Buffer | undefined> {
  try {
    return await unlessMissing(readFile(file))
  } catch (thrown) {
    throw new EditError('unreadable', `can't read ${file}: ${messageOf(thrown)}`, {
      hint: 'Check that it is a file and that you may read it.',
      cause: thrown,
    })
  }
}
