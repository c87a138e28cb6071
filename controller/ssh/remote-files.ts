/** Files of a device by SFTP: lists a folder, reads and writes a file. Connections are kept for a while, one for each place. */

import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type ssh2 from 'ssh2'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import type { Session } from '../session/session.ts'
import { connectSsh, type SshConnection, type SshPlace } from './connect.ts'
import { filesIdleMs, maxEntries } from './limits.ts'

/** What stands in a folder. */
export interface RemoteEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  /** In bytes. */
  readonly size: number
  readonly modified: string
  /** Such as 0644. */
  readonly mode: string
}

export interface RemoteFolder {
  /** Its path without links and dots. */
  readonly path: string
  readonly entries: readonly RemoteEntry[]
  /** Whether there are more than are listed. */
  readonly more: boolean
}

interface Open {
  readonly sftp: Promise<ssh2.SFTPWrapper>
  users: number
  idle: NodeJS.Timeout | undefined
  end(): void
}

const kinds = new Map<number, RemoteEntry['kind']>([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
])
/** What OpenSSH answers at once, in bytes, and how many of these are under way: a link to a ship has a second of delay. */
const pieceBytes = 32 * 1024
const piecesAhead = 64

export class RemoteFiles {
  readonly #session: Session
  readonly #open = new Map<string, Open>()

  constructor(session: Session) {
    this.#session = session
  }

  async list(owner: string, place: SshPlace, path: string): Promise<RemoteFolder> {
    return await this.#with(owner, place, async sftp => {
      const real = await asked<string>(done => sftp.realpath(path, done), path)
      const found = await entriesOf(sftp, real)
      const entries = found.map(({ filename, attrs }) => ({
        name: filename,
        kind: kinds.get(attrs.mode & 0o170000) ?? ('other' as const),
        size: attrs.size,
        modified: new Date((attrs.mtime ?? 0) * 1000).toISOString(),
        mode: (attrs.mode & 0o7777).toString(8).padStart(4, '0'),
      }))
      entries.sort((a, b) => (a.name < b.name ? -1 : 1))
      return { path: real, entries: entries.slice(0, maxEntries), more: entries.length > maxEntries }
    })
  }

  /** A file's content, and its size when it was opened. Ends the connection's use with the stream. */
  async read(owner: string, place: SshPlace, path: string): Promise<{ size: number; content: Readable }> {
    const { promise: read, resolve: done } = Promise.withResolvers<void>()
    const { promise, resolve, reject } = Promise.withResolvers<{ size: number; content: Readable }>()
    void this.#with(owner, place, async sftp => {
      const stats = await asked<ssh2.Stats>(answer => sftp.stat(path, answer), path)
      if (!stats.isFile()) {
        throw new HintedError('not-a-file', `expected a file, got ${path}`, {
          hint: 'Open a folder to see what is in it.',
        })
      }
      const handle = await asked<Buffer>(answer => sftp.open(path, 'r', answer), path)
      const content = Readable.from(piecesOf(sftp, handle, path), { objectMode: false })
      content.once('close', () => {
        sftp.close(handle, () => {})
        done()
      })
      content.on('error', () => {})
      resolve({ size: stats.size, content })
      await read
    }).catch(reject)
    return await promise
  }

  /**
   * Writes a file beside its place, and puts it there when it is whole; `pieces` is left when it is given up. Says after
   * each piece how much is written. In place of another file it has its rights and, where that is allowed, its owner.
   */
  async write(
    owner: string,
    place: SshPlace,
    path: string,
    pieces: AsyncIterable<Uint8Array>,
    written: (bytes: number) => void,
  ): Promise<void> {
    await this.#with(owner, place, async sftp => {
      const part = `${path}.${randomBytes(4).toString('hex')}.part`
      const before = await asked<ssh2.Stats>(done => sftp.stat(path, done), path).catch(() => undefined)
      const there = before?.isFile() ? before : undefined
      // Until it has the other's rights, nobody else reads it.
      const rights = there === undefined ? {} : { mode: 0o600 }
      const handle = await asked<Buffer>(done => sftp.open(part, 'wx', rights, done), part)
      let at = 0
      try {
        const underWay = new Set<Promise<void>>()
        let done = 0
        let failure: unknown
        for await (const piece of pieces) {
          for (let from = 0; from < piece.length; from += pieceBytes) {
            const bytes = Buffer.from(piece.subarray(from, from + pieceBytes))
            const place = at
            at += bytes.length
            const one = asked<void>(answer => sftp.write(handle, bytes, 0, bytes.length, place, answer), part).then(
              () => {
                done += bytes.length
                written(done)
              },
              thrown => {
                failure = thrown
              },
            )
            underWay.add(one)
            void one.finally(() => underWay.delete(one))
            if (underWay.size >= piecesAhead) await Promise.race(underWay)
            if (failure !== undefined) throw failure
          }
        }
        await Promise.all(underWay)
        if (failure !== undefined) throw failure
        if (there !== undefined) {
          const { uid, gid, mode } = there
          // Who is not root may not give files away.
          await asked<void>(done => sftp.fsetstat(handle, { uid, gid }, done), part).catch(() => {})
          await asked<void>(done => sftp.fsetstat(handle, { mode: mode & 0o777 }, done), part)
        }
        await asked<void>(done => sftp.close(handle, done), part)
        // OpenSSH's own rename replaces what is there; that of the protocol does not.
        await asked<void>(done => sftp.ext_openssh_rename(part, path, done), path)
      } catch (thrown) {
        await asked<void>(done => sftp.close(handle, done), part).catch(() => {})
        await asked<void>(done => sftp.unlink(part, done), part).catch(() => {})
        throw thrown
      }
    })
  }

  /** Ends all connections, of one browser or of all. */
  end(owner?: string): void {
    for (const [key, open] of this.#open) if (owner === undefined || key.startsWith(`${owner} `)) open.end()
  }

  async #with<T>(owner: string, place: SshPlace, use: (sftp: ssh2.SFTPWrapper) => Promise<T>): Promise<T> {
    const key = `${owner} ${place.user}@${place.device}`
    const open = this.#open.get(key) ?? this.#connect(key, place)
    clearTimeout(open.idle)
    open.users++
    try {
      return await use(await open.sftp)
    } finally {
      if (--open.users === 0) open.idle = setTimeout(() => open.end(), filesIdleMs).unref()
    }
  }

  #connect(key: string, place: SshPlace): Open {
    let connection: SshConnection | undefined
    let over = false
    const end = () => {
      over = true
      if (this.#open.get(key) === open) this.#open.delete(key)
      connection?.client.end()
    }
    const begun = async () => {
      connection = await connectSsh(this.#session, place, 'files')
      const { client } = connection
      client.on('error', end)
      client.once('close', end)
      if (over) client.end()
      return await asked<ssh2.SFTPWrapper>(done => client.sftp(done), 'files')
    }
    const sftp = begun()
    const open: Open = { sftp, users: 0, idle: undefined, end }
    sftp.catch(end)
    this.#open.set(key, open)
    return open
  }
}

/** What is in a folder: not much more than is shown, however large it is. */
async function entriesOf(sftp: ssh2.SFTPWrapper, path: string): Promise<ssh2.FileEntryWithStats[]> {
  const handle = await asked<Buffer>(done => sftp.opendir(path, done), path)
  const found: ssh2.FileEntryWithStats[] = []
  try {
    for (let asks = 0; asks <= maxEntries && found.length <= maxEntries; asks++) {
      const more = await asked<ssh2.FileEntryWithStats[] | undefined>(
        done => sftp.readdir(handle, (error, list) => (isEnd(error) ? done() : done(error, list))),
        path,
      )
      if (more === undefined) break
      found.push(...more)
    }
  } finally {
    sftp.close(handle, () => {})
  }
  return found
}

/** The end of a file or folder is an error of SFTP. */
function isEnd(error: Error | undefined): boolean {
  return (error as (Error & { code?: number }) | undefined)?.code === 1
}

/** A file from its begin to its end, with several pieces asked for ahead. */
async function* piecesOf(sftp: ssh2.SFTPWrapper, handle: Buffer, path: string): AsyncGenerator<Buffer> {
  const ahead: { at: number; answer: Promise<Buffer> }[] = []
  let next = 0
  const ask = (at: number, length: number) =>
    new Promise<Buffer>((resolve, reject) => {
      sftp.read(handle, Buffer.alloc(length), 0, length, at, (error, count, bytes) => {
        if (error && !isEnd(error)) reject(refused(error, path))
        else resolve(error ? Buffer.alloc(0) : bytes.subarray(0, count))
      })
    })
  for (;;) {
    while (ahead.length < piecesAhead) {
      const answer = ask(next, pieceBytes)
      answer.catch(() => {})
      ahead.push({ at: next, answer })
      next += pieceBytes
    }
    const first = ahead.shift()
    if (first === undefined) return
    const bytes = await first.answer
    if (bytes.length === 0) return
    yield bytes
    // A short answer is no end of the file: the rest of the piece is asked for once more.
    if (bytes.length < pieceBytes) {
      ahead.length = 0
      next = first.at + bytes.length
    }
  }
}

/** An answer of SFTP, or what it refuses with, in words. */
async function asked<T>(
  ask: (done: (error?: Error | null, value?: unknown) => void) => unknown,
  path: string,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    ask((error, value) => {
      if (error) reject(refused(error, path))
      else resolve(value as T)
    })
  })
}

function refused(error: Error, path: string): HintedError {
  const missing = (error as Error & { code?: number }).code === 2
  return new HintedError(missing ? 'no-such-file' : 'not-done', `${path}: ${messageOf(error)}`, {
    hint: 'The device says so: look at the path and at the rights of this user.',
    cause: error,
  })
}
