/** What a person has changed in a form and not written yet: edits of one entry, shown by the controller before they are made. */

import { client, type Failure, failureOf } from './client.ts'
import {
  at,
  type Edited,
  type Entry,
  type Folder,
  type OneEdit,
  type Path,
  type Preview,
  withValue,
} from './project.ts'

const settleMs = 350

export class Draft {
  readonly folder: Folder
  readonly entry: Entry
  #edits = $state.raw<ReadonlyMap<string, OneEdit>>(new Map())
  content = $state.raw<unknown>(undefined)
  preview = $state.raw<Preview | undefined>(undefined)
  failure = $state.raw<Failure | undefined>(undefined)
  /** The edits that the preview is about. */
  #previewed = $state.raw<ReadonlyMap<string, OneEdit> | undefined>(undefined)
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(folder: Folder, entry: Entry) {
    this.folder = folder
    this.entry = entry
    this.content = entry.content ?? {}
  }

  get edits(): OneEdit[] {
    return [...this.#edits.values()]
  }

  get changed(): boolean {
    return this.#edits.size > 0
  }

  /** Whether the preview is that of all edits. */
  get current(): boolean {
    return this.#previewed === this.#edits
  }

  own(path: Path): unknown {
    return at(this.content, path)
  }

  isChanged(path: Path): boolean {
    return this.#edits.has(JSON.stringify(path))
  }

  /** Sets a value, or takes it out where it is undefined. One that is as in the file again is no edit. */
  set(path: Path, value: unknown): void {
    this.content = withValue(this.content, path, value)
    const edits = new Map(this.#edits)
    const key = JSON.stringify(path)
    const place = { in: this.folder, name: this.entry.name, path: [...path] }
    if (JSON.stringify(value) === JSON.stringify(at(this.entry.content, path))) edits.delete(key)
    else edits.set(key, value === undefined ? { do: 'reset', ...place } : { do: 'set', ...place, value })
    // What stands below a path that is set as a whole is in it.
    for (const other of edits.keys()) {
      if (other !== key && other.startsWith(`${key.slice(0, -1)},`)) edits.delete(other)
    }
    this.#take(edits)
  }

  /** The whole file as text takes the place of all other edits. */
  write(text: string): void {
    const edits = new Map<string, OneEdit>()
    if (text !== this.entry.text) edits.set('', { do: 'write', in: this.folder, name: this.entry.name, text })
    this.#take(edits)
  }

  discard(): void {
    this.content = this.entry.content ?? {}
    this.#take(new Map())
  }

  /** Writes what the preview showed. Throws a RequestError, such as where the file has changed meanwhile. */
  async save(commit: string | undefined): Promise<Edited> {
    const files = this.preview?.files ?? []
    const seen = Object.fromEntries(files.map(({ file, before }) => [file, before]))
    return await client.post<Edited>('/v1/project/edit', { edits: this.edits, seen, ...(commit && { commit }) })
  }

  #take(edits: ReadonlyMap<string, OneEdit>): void {
    this.#edits = edits
    clearTimeout(this.#timer)
    if (edits.size === 0) {
      this.preview = undefined
      this.failure = undefined
      this.#previewed = edits
    } else this.#timer = setTimeout(() => void this.#show(edits), settleMs)
  }

  async #show(edits: ReadonlyMap<string, OneEdit>): Promise<void> {
    try {
      const preview = await client.post<Preview>('/v1/project/preview', { edits: [...edits.values()] })
      if (this.#edits !== edits) return
      this.preview = preview
      this.failure = undefined
    } catch (thrown) {
      if (this.#edits !== edits) return
      this.preview = undefined
      this.failure = failureOf(thrown)
    }
    this.#previewed = edits
  }
}
