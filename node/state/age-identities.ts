/** A peer's age identities: the certificate names the newest one; older ones decrypt secrets still in flight. */

import { readFile, stat } from 'node:fs/promises'
import { timeText } from '../../protocol/encoding/fields.ts'
import { replaceFile } from '../files/durable-file.ts'
import { unlessMissing } from '../files/missing.ts'
import { ageRecipientOf, newAgeIdentity } from './age-key.ts'
import { IdentityError } from './identity.ts'
import { ageIdentitiesKept, ageIdentityKeptMs } from './limits.ts'

interface AgeIdentity {
  /** `AGE-SECRET-KEY-1…` */
  readonly identity: string
  /** `age1…` */
  readonly recipient: string
  readonly created: Date
}

/** Stored in the format of `age-keygen`, newest first, so that `age -d -i FILE` reads it too. */
export class AgeIdentities {
  readonly #file: string
  #known: readonly AgeIdentity[]

  private constructor(file: string, known: readonly AgeIdentity[]) {
    this.#file = file
    this.#known = known
  }

  /** Loads the identities from a file, or creates a first one (mode 0600, on disk before it is used). */
  static async load(file: string, now: Date): Promise<AgeIdentities> {
    const identities = new AgeIdentities(file, await readIdentities(file))
    if (identities.#known.length === 0) await identities.rotate(now)
    return identities
  }

  /** The newest recipient, for the next certificate. */
  get recipient(): string {
    return this.#newest.recipient
  }

  /** The secret identities to try on a ciphertext, newest first. */
  get identities(): readonly string[] {
    return this.#known.map(({ identity }) => identity)
  }

  /** Creates a new identity and drops those replaced long ago. Resolves to the new recipient. */
  async rotate(now: Date): Promise<string> {
    const identity = newAgeIdentity()
    const next = { identity, recipient: ageRecipientOf(identity), created: now }
    // Each was replaced when the previous one in this list was created.
    const known = [next, ...this.#known].filter((_, at, all) => {
      const replaced = all[at - 1]?.created
      return replaced === undefined || now.getTime() - replaced.getTime() <= ageIdentityKeptMs
    })
    const kept = known.slice(0, ageIdentitiesKept)
    await writeIdentities(this.#file, kept)
    this.#known = kept
    return next.recipient
  }

  get #newest(): AgeIdentity {
    const newest = this.#known[0]
    if (newest === undefined) throw new RangeError('expected an age identity')
    return newest
  }
}

async function readIdentities(file: string): Promise<AgeIdentity[]> {
  const text = await unlessMissing(readFile(file, 'utf8'))
  if (text === undefined) return []
  const { mode } = await stat(file)
  if ((mode & 0o077) !== 0) {
    throw new IdentityError('readable-by-others', `expected ${file} to be readable by its owner only`, {
      hint: `Run: chmod 600 ${file}`,
    })
  }
  const found: AgeIdentity[] = []
  let created = new Date(0)
  for (const line of text.split('\n').map(each => each.trim())) {
    const stamp = /^# created: (.+)$/.exec(line)?.[1]
    if (stamp !== undefined) created = validDate(stamp)
    if (line === '' || line.startsWith('#')) continue
    try {
      found.push({ identity: line, recipient: ageRecipientOf(line), created })
    } catch (cause) {
      throw new IdentityError('malformed', `expected age identities (AGE-SECRET-KEY-1…) in ${file}`, {
        hint: 'Restore the file from a backup, or remove it: secrets are then encrypted again at the next renewal.',
        cause,
      })
    }
  }
  return found
}

function validDate(text: string): Date {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? new Date(0) : date
}

/** Replaces the file atomically: after a power cut it has the old identities or the new ones. */
async function writeIdentities(file: string, known: readonly AgeIdentity[]): Promise<void> {
  const text = known.map(
    ({ identity, recipient, created }) => `# created: ${timeText(created)}\n# public key: ${recipient}\n${identity}\n`,
  )
  await replaceFile(file, text.join(''))
}
