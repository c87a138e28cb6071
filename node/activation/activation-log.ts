/** The log of a failed activation: output, findings and unit journals in one text, stored under its SHA-256. */

import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256, toHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { isMissing } from '../files/missing.ts'
import { writeDurably } from './journal.ts'
import type { JournalEntry } from './journal-entry.ts'
import { keptActivationLogs } from './limits.ts'

/** Length of the log's end that the report carries. */
const excerptLength = 600

export interface KeptLog {
  /** SHA-256 in hex. */
  readonly hash: string
  readonly bytes: number
  /** Its last lines. */
  readonly excerpt: string
}

export class ActivationLogs {
  readonly #directory: string

  constructor(init: { directory: string }) {
    this.#directory = init.directory
  }

  /** Keeps a text, cut from its front where it is too long; the oldest ones go. */
  async keep(text: string): Promise<KeptLog> {
    const kept = lastBytes(text, limits.activationLog)
    const bytes = Buffer.from(kept)
    const hash = toHex(sha256(bytes))
    await writeDurably(this.#directory, `${hash}.log`, kept)
    await this.#forget()
    const excerpt = kept.trimEnd().slice(-excerptLength)
    return { hash, bytes: bytes.length, excerpt: excerpt.replace(/^[^\n]*\n/, '') }
  }

  /** A kept log by the hex of its SHA-256; nothing when it isn't, or isn't any more, there. */
  async read(hash: string): Promise<Uint8Array | undefined> {
    if (!/^[0-9a-f]{64}$/.test(hash)) return undefined
    try {
      return await readFile(join(this.#directory, `${hash}.log`))
    } catch (thrown) {
      if (isMissing(thrown)) return undefined
      throw thrown
    }
  }

  /** All kept logs, the newest first. */
  async list(): Promise<{ hash: string; bytes: number; at: Date }[]> {
    await mkdir(this.#directory, { recursive: true })
    const names = (await readdir(this.#directory)).filter(name => /^[0-9a-f]{64}\.log$/.test(name))
    const found = await Promise.all(
      names.map(async name => {
        const { size, mtime } = await stat(join(this.#directory, name))
        return { hash: name.slice(0, 64), bytes: size, at: mtime }
      }),
    )
    return found.sort((a, b) => b.at.getTime() - a.at.getTime())
  }

  async #forget(): Promise<void> {
    for (const { hash } of (await this.list()).slice(keptActivationLogs)) {
      await rm(join(this.#directory, `${hash}.log`), { force: true })
    }
  }
}

/** The end of a text, at most so many bytes of UTF-8, no character cut in two. */
function lastBytes(text: string, count: number): string {
  const all = Buffer.from(text)
  return all.length <= count
    ? text
    : new TextDecoder().decode(all.subarray(all.length - count + 8)).replace(/^\uFFFD+/, '')
}

/** The log's text: the release, the switch's output, the health check's findings, and the journals of failed units. */
export function activationText(
  entry: JournalEntry,
  parts: { output: string; findings: readonly string[]; journals: readonly (readonly [unit: string, text: string])[] },
): string {
  const sections = [
    `release ${entry.release}, attempt ${entry.attempt}: ${entry.new}\n${entry.code ?? ''}: ${entry.message ?? ''}`,
    `== switch-to-configuration\n${parts.output.trimEnd()}`,
    ...(parts.findings.length > 0 ? [`== health\n${parts.findings.join('\n')}`] : []),
    ...parts.journals
      .filter(([, text]) => text !== '')
      .map(([unit, text]) => `== journal of ${unit}\n${text.trimEnd()}`),
  ]
  return `${sections.join('\n\n')}\n`
}
