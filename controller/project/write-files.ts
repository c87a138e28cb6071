/**
 * Writing several files of the project, all or none: drafts are written and synced beside them, a journal in Git's own
 * folder says which, and only then is each renamed. After a signal or a crash, the next command undoes or finishes it.
 */

import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { replaceFile, syncDirectory, writeDraft } from '../../node/files/durable-file.ts'
import { exists, isMissing, unlessMissing } from '../../node/files/missing.ts'
import { EditError, notWritable } from './edit-error.ts'
import { gitOutput } from './git.ts'

/** One file: its bytes before and after; nothing where there is no file. */
export interface Change {
  /** From the project's folder. */
  readonly file: string
  readonly before: Uint8Array | undefined
  readonly after: Uint8Array | undefined
}

const journalSchema = z.strictObject({
  /** Whether all drafts are there: then the files become what they are to be, else they stay. */
  complete: z.boolean(),
  files: z.array(z.strictObject({ file: z.string(), draft: z.string().nullable() })),
})
type Journal = z.infer<typeof journalSchema>

/** Writes them when `agreed` has not thrown, with nobody else editing. Throws an EditError, and nothing was written. */
export async function writeFiles(
  directory: string,
  changes: readonly Change[],
  agreed: () => Promise<void>,
): Promise<void> {
  await withLock(directory, async gitDirectory => {
    await agreed()
    const files = changes.map(({ file, after }) => ({ file, draft: after === undefined ? null : draftOf(file) }))
    try {
      await writeJournal(gitDirectory, { complete: false, files })
      for (const { file, after } of changes) {
        if (after !== undefined) await draftChange(directory, file, after)
      }
      await writeJournal(gitDirectory, { complete: true, files })
      finish(directory, files)
      for (const folder of new Set(files.map(({ file }) => dirname(join(directory, file))))) await syncDirectory(folder)
    } catch (thrown) {
      putBack(directory, changes)
      throw thrown
    } finally {
      await rm(journalFile(gitDirectory), { force: true })
    }
  })
}

/** Undoes or finishes what was interrupted, if anything; what another process is writing is left to it. */
export async function settleWriting(directory: string): Promise<void> {
  const gitDirectory = await gitDirectoryOf(directory)
  if (!(await exists(journalFile(gitDirectory)))) return
  await withLock(directory, async () => {}).catch(thrown => {
    if (!(thrown instanceof EditError && thrown.code === 'busy')) throw thrown
  })
}

const journalFile = (gitDirectory: string) => join(gitDirectory, 'thymesh-edit.json')

function draftOf(file: string): string {
  return join(dirname(file), `.${createHash('sha256').update(file).digest('hex').slice(0, 12)}.draft`)
}

async function draftChange(directory: string, file: string, bytes: Uint8Array): Promise<void> {
  const path = join(directory, file)
  try {
    await mkdir(dirname(path), { recursive: true })
    const mode = await stat(path).then(
      about => about.mode & 0o777,
      () => 0o644,
    )
    await writeDraft(join(directory, draftOf(file)), bytes, mode)
  } catch (thrown) {
    throw notWritable(path, thrown)
  }
}

async function writeJournal(gitDirectory: string, journal: Journal): Promise<void> {
  const file = journalFile(gitDirectory)
  try {
    await replaceFile(file, JSON.stringify(journal))
  } catch (thrown) {
    throw notWritable(file, thrown)
  }
}

/** In one go, which no signal interrupts. A draft that is gone was renamed before. */
function finish(directory: string, files: Journal['files']): void {
  for (const { file, draft } of files) {
    const path = join(directory, file)
    try {
      if (draft === null) rmSync(path, { force: true })
      else renameSync(join(directory, draft), path)
    } catch (thrown) {
      if (!isMissing(thrown)) throw notWritable(path, thrown)
    }
  }
}

/** Removes drafts, and restores files that were renamed already. */
function putBack(directory: string, changes: readonly Change[]): void {
  for (const { file, before, after } of changes) {
    const path = join(directory, file)
    const draft = join(directory, draftOf(file))
    rmSync(draft, { force: true })
    if (!isThere(path, after)) continue
    if (before === undefined) rmSync(path, { force: true })
    else writeFileSync(path, before)
  }
}

/** Whether a file has these bytes, or is none for nothing. */
function isThere(path: string, bytes: Uint8Array | undefined): boolean {
  try {
    const now = readFileSync(path)
    return bytes !== undefined && now.equals(bytes)
  } catch {
    return bytes === undefined
  }
}

/** One edit at a time; the lock of a process that has gone counts for nothing, and what it began is finished. */
async function withLock(directory: string, work: (gitDirectory: string) => Promise<void>): Promise<void> {
  const gitDirectory = await gitDirectoryOf(directory)
  const file = join(gitDirectory, 'thymesh.lock')
  const take = async () => {
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(String(process.pid))
    } finally {
      await handle.close()
    }
  }
  await take().catch(async (thrown: unknown) => {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) {
      throw notWritable(file, thrown)
    }
    const owner = Number(await readFile(file, 'utf8').catch(() => ''))
    if (owner > 0 && isRunning(owner)) {
      throw new EditError('busy', `another thymesh (process ${owner}) edits this project at the moment`, {
        hint: 'Try again when it has ended.',
      })
    }
    await rm(file, { force: true })
    await take()
  })
  try {
    await settleInterrupted(directory, gitDirectory)
    await work(gitDirectory)
  } finally {
    await rm(file, { force: true })
  }
}

async function settleInterrupted(directory: string, gitDirectory: string): Promise<void> {
  const file = journalFile(gitDirectory)
  const text = await unlessMissing(readFile(file, 'utf8'))
  if (text === undefined) return
  const { complete, files } = journalSchema.parse(JSON.parse(text))
  if (complete) finish(directory, files)
  else for (const { draft } of files) if (draft !== null) await rm(join(directory, draft), { force: true })
  await rm(file, { force: true })
}

async function gitDirectoryOf(directory: string): Promise<string> {
  return (await gitOutput(directory, ['rev-parse', '--absolute-git-dir'])).replace(/\n$/, '')
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
  }
}
