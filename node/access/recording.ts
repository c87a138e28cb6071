/** Records one session: reads what its terminal shows from a pipe, and writes it sealed, a part at a time. */

import { constants, open as openFd } from 'node:fs'
import { chown, type FileHandle, open } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { runProgram } from '../process/run-program.ts'
import { Asciicast, type CastAbout } from './asciicast.ts'
import {
  recordedBytes,
  recordedFileBytes,
  recordedLines,
  recordedPartBytes,
  recordedPartMs,
  recordingEndMs,
} from './limits.ts'
import { sealedPart } from './recording-file.ts'

/** The pipe's name in the folder of a session, as the session's script knows it. */
const pipeName = 'output'

/** A session that has to be recorded can't be. */
export class RecordError extends ThymeshError<'no-pipe' | 'no-reader'> {}

export interface RecordingInit extends CastAbout {
  /** Who is recorded: only their group may write into the pipe. */
  readonly user: string
  /** The folder of the session. */
  readonly directory: string
  /** The file to write, which must not exist. */
  readonly file: string
  /** Who can open it: recipients of age. */
  readonly readers: readonly string[]
  /** Called once if nothing more can be recorded: the session has to end. */
  readonly onFailure: (reason: string) => void
}

export class Recording {
  readonly #init: RecordingInit
  readonly #cast: Asciicast
  readonly #file: FileHandle
  readonly #source: Socket
  /** Keeps the pipe open while no program of the session has it. */
  readonly #holder: FileHandle
  readonly #began = performance.now()
  #shown = 0
  #lines = 0
  #written = 0
  #pending = ''
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #failed = false

  private constructor(init: RecordingInit, ends: { file: FileHandle; source: Socket; holder: FileHandle }) {
    this.#init = init
    this.#cast = new Asciicast(init)
    this.#file = ends.file
    this.#source = ends.source
    this.#holder = ends.holder
    this.#source.on('data', (bytes: Buffer) => this.#read(bytes))
    this.#source.on('error', error => this.#fail(messageOf(error)))
  }

  /** Makes pipe and file. Rejects with the system's error, and with a RecordError where there is no pipe to be had. */
  static async begin(init: RecordingInit): Promise<Recording> {
    const pipe = join(init.directory, pipeName)
    const made = await runProgram('mkfifo', ['-m', '620', pipe], { timeoutMs: 10_000, lines: 5 })
    if (made.code !== 0) throw new RecordError('no-pipe', `no pipe for a recording: ${made.output.join(' ')}`)
    // Their group may write and not read: what the session itself read would not be recorded.
    const group = await runProgram('id', ['-g', init.user], { timeoutMs: 10_000, lines: 1 })
    if (group.code !== 0) throw new RecordError('no-pipe', `no pipe for a recording: ${init.user} has no group`)
    await chown(pipe, 0, Number(group.stdout.trim()))
    const file = await open(init.file, 'wx', 0o600)
    // Nobody writes yet: without O_NONBLOCK this would wait.
    const reader = await promisify(openFd)(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
    const source = new Socket({ fd: reader, readable: true, writable: false })
    const holder = await open(pipe, constants.O_WRONLY)
    return new Recording(init, { file, source, holder })
  }

  /** Reads what is left, and closes the file. Never rejects. */
  async end(): Promise<void> {
    const ended = new Promise<void>(resolve => {
      if (this.#source.closed) resolve()
      this.#source.once('close', () => resolve())
    })
    await this.#holder.close()
    if (this.#failed) this.#source.destroy()
    // A program that was not ended with the session may still have the pipe.
    const timer = setTimeout(() => this.#source.destroy(), recordingEndMs)
    await ended
    clearTimeout(timer)
    if (!this.#failed) this.#pending += this.#cast.end(this.#seconds)
    this.#seal()
    await this.#writing
    await this.#file.close()
  }

  get #seconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  #read(bytes: Buffer): void {
    if (this.#failed) return
    const lines = this.#cast.add(bytes, this.#seconds)
    this.#shown += bytes.length
    this.#lines += lines.length
    if (this.#shown > recordedBytes || this.#lines > recordedLines || this.#written > recordedFileBytes) {
      this.#fail(`its recording is full: ${this.#shown} bytes`)
      return
    }
    this.#pending += lines
    if (this.#pending.length >= recordedPartBytes) this.#seal()
    else this.#timer ??= setTimeout(() => this.#seal(), recordedPartMs)
  }

  #seal(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending === '') return
    const lines = this.#pending
    this.#pending = ''
    // Slower than the terminal: the terminal waits.
    this.#source.pause()
    this.#writing = this.#writing
      .then(async () => {
        const part = await sealedPart(this.#init.readers, lines)
        this.#written += part.length
        await this.#file.writeFile(part)
        await this.#file.datasync()
        if (!this.#failed) this.#source.resume()
      })
      .catch(thrown => this.#fail(messageOf(thrown)))
  }

  #fail(reason: string): void {
    if (this.#failed) return
    this.#failed = true
    // Nothing is read any more: what the session still does until it is ended waits for that, and is not done unseen.
    this.#source.pause()
    this.#init.onFailure(`it can't be recorded: ${reason}`)
  }
}
