/** Begins and ends the recording of a session, and keeps it if a key logged in whose grants say so. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { timeText } from '../../protocol/encoding/fields.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { KeyRights } from '../../protocol/release/access.ts'
import { controllersOf } from '../secrets/controller-box.ts'
import type { Clock } from '../state/clock.ts'
import { RecordError, Recording } from './recording.ts'
import type { Kept, RecordingBook } from './recording-book.ts'

export interface SessionRecorderComponents {
  readonly book: RecordingBook
  readonly members: { certificates(role: 'controller'): readonly Pick<Certificate, 'role' | 'age'>[] }
  readonly clock: Pick<Clock, 'now'>
}

export interface RecordedSession {
  readonly id: string
  /** The folder of the session. */
  readonly directory: string
  readonly user: string
  readonly peer: string
  readonly controller: string | undefined
}

export class SessionRecorder {
  readonly #components: SessionRecorderComponents

  constructor(components: SessionRecorderComponents) {
    this.#components = components
  }

  /** Before sshd starts. Rejects with a RecordError or the system's error; `onFailure` says later why it can't go on. */
  async begin(session: RecordedSession, onFailure: (reason: string) => void): Promise<SessionRecording> {
    const { book, members, clock } = this.#components
    const readers = controllersOf(members.certificates('controller'))
    if (readers.length === 0) {
      throw new RecordError('no-reader', 'expected a controller that could open the recording, none is known here')
    }
    const file = await book.place(session.id)
    const { now } = clock
    const title = `${session.controller ?? session.peer} as ${session.user}`
    const timestamp = now && Math.floor(now.getTime() / 1000)
    const { user, directory } = session
    const init = { timestamp, title, user, directory, file, readers, onFailure }
    const recording = await Recording.begin(init).catch(async (thrown: unknown) => {
      await book.remove(session.id)
      throw thrown
    })
    return new SessionRecording({ book, recording, session, file, began: now && timeText(now) })
  }
}

interface Parts {
  readonly book: RecordingBook
  readonly recording: Recording
  readonly session: RecordedSession
  readonly file: string
  readonly began: string | undefined
}

export class SessionRecording {
  readonly #parts: Parts
  readonly #start = performance.now()
  #noted: Kept | undefined
  #noting: Promise<void> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** A key was accepted. One whose sessions are not recorded leaves nothing. */
  login(fingerprint: string, key: KeyRights | undefined): void {
    if (key?.record === false) return
    const { book, session, began } = this.#parts
    const { id, peer, controller, user } = session
    this.#noted = {
      ...{ id, peer, user, fingerprint, operators: [...(key?.operators ?? [])] },
      ...(controller !== undefined && { controller }),
      ...(began !== undefined && { began }),
    }
    // Without it the sealed file would be there, and not be listed: the end notes it again.
    this.#noting = book.note(this.#noted).catch(() => {})
  }

  /** After sshd has ended: gives the SHA-256 of the sealed file in hex, or nothing if nothing is kept. */
  async end(reason: string): Promise<string | undefined> {
    const { book, recording, session, file } = this.#parts
    try {
      await recording.end()
      await this.#noting
      if (this.#noted === undefined) {
        await book.remove(session.id)
        return undefined
      }
      const seconds = Math.round((performance.now() - this.#start) / 1000)
      await book.note({ ...this.#noted, seconds, reason: reason.slice(0, 300) })
      const hash = createHash('sha256')
      await pipeline(createReadStream(file), hash)
      return hash.digest('hex')
    } finally {
      await book.close(session.id)
    }
  }
}
