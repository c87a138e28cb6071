/** Tasks on disk: `tasks/ID/task.json`, replaced whole, and `tasks/ID/output`, only appended to. */

import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readUpTo } from '../../node/files/file-io.ts'
import { unlessMissing } from '../../node/files/missing.ts'
import { type Task, taskSchema } from '../api/schemas/task.ts'
import { keptDays, keptTasks } from './limits.ts'

export class TaskStore {
  readonly #directory: string
  /** The outputs of tasks that run. */
  readonly #open = new Map<string, FileHandle>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** All tasks, the newest first; folders without a readable record are removed. What is too old or too much, too. */
  async load(now = Date.now()): Promise<Task[]> {
    const names = ((await unlessMissing(readdir(this.#directory))) ?? []).sort().reverse()
    const tasks: Task[] = []
    for (const name of names) {
      const task = await this.#read(name)
      const old = task !== undefined && now - Date.parse(task.started) > keptDays * 86_400_000
      if (task === undefined || old || tasks.length >= keptTasks) await this.remove(name)
      else tasks.push(task)
    }
    return tasks
  }

  async create(task: Task): Promise<void> {
    await mkdir(join(this.#directory, task.id), { recursive: true, mode: 0o700 })
    await writeFile(this.#output(task.id), '', { mode: 0o600 })
    await this.save(task)
  }

  /** Not synced to disk: after a power cut the last word on a task may be an older one, which says that it ran. */
  async save(task: Task): Promise<void> {
    const file = join(this.#directory, task.id, 'task.json')
    const draft = `${file}.new`
    await writeFile(draft, `${JSON.stringify(task)}\n`, { mode: 0o600 })
    await rename(draft, file)
  }

  /** Keeps the file open until `endOutput`: a builder's log comes in many parts. */
  async append(id: string, bytes: Uint8Array): Promise<void> {
    const file = this.#open.get(id) ?? (await open(this.#output(id), 'a', 0o600))
    this.#open.set(id, file)
    await file.appendFile(bytes)
  }

  async endOutput(id: string): Promise<void> {
    const file = this.#open.get(id)
    this.#open.delete(id)
    await file?.close()
  }

  /** Bytes of the output from this place on, at most so many. */
  async output(id: string, from: number, most: number): Promise<Buffer> {
    const handle = await unlessMissing(open(this.#output(id)))
    if (handle === undefined) return Buffer.alloc(0)
    try {
      return await readUpTo(handle, most, from)
    } finally {
      await handle.close()
    }
  }

  /** A record that was written before its process was killed may know less. */
  async outputSize(id: string): Promise<number> {
    return (await unlessMissing(stat(this.#output(id))))?.size ?? 0
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.#directory, id), { recursive: true, force: true })
  }

  async #read(name: string): Promise<Task | undefined> {
    try {
      const task = taskSchema.parse(JSON.parse(await readFile(join(this.#directory, name, 'task.json'), 'utf8')))
      return task.id === name ? task : undefined
    } catch {
      return undefined
    }
  }

  #output(id: string): string {
    return join(this.#directory, id, 'output')
  }
}
