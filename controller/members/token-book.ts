/** The join tokens that this operator has made, without their keys: their limits, and the peers that joined with them. */

import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../../node/files/durable-file.ts'
import { tokenIdSchema } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { readCertificate } from '../../protocol/members/certificate.ts'
import { type Grant, grantKind, tokenIdOf } from '../../protocol/members/join-token.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import { peerIdSchema } from '../../protocol/signing/peer-id.ts'

const entrySchema = z.object({
  /** The grant's envelope in base64. */
  grant: z.base64().max(2 * limits.envelope),
  /** The treatment of devices above the limit of uses. */
  excess: z.enum(['flag', 'revoke']),
  /** Peers that were countersigned; kept here so that a revoked one still counts. */
  peers: z.array(peerIdSchema).max(limits.members),
})

export interface KnownToken {
  readonly id: string
  readonly grant: Grant
  readonly excess: 'flag' | 'revoke'
  readonly peers: readonly string[]
}

export class TokenBook {
  readonly #directory: string

  constructor(home: string) {
    this.#directory = join(home, 'tokens')
  }

  /** Notes a token that was made. */
  async add(envelope: Uint8Array, excess: KnownToken['excess']): Promise<string> {
    const id = tokenIdOf(readEnvelope(grantKind, envelope).document)
    await this.#write(id, { grant: Buffer.from(envelope).toString('base64'), excess, peers: [] })
    return id
  }

  /** Every token that was noted; what can't be read is left out. */
  async all(): Promise<KnownToken[]> {
    const names = await readdir(this.#directory).catch(() => [])
    const ids = names.flatMap(name => tokenIdSchema.safeParse(name.replace(/\.json$/, '')).data ?? [])
    const found = await Promise.all(ids.map(id => this.#read(id)))
    return found.filter(each => each !== undefined).sort((a, b) => a.grant.issued.localeCompare(b.grant.issued))
  }

  /** Notes that a peer was countersigned; also for a token that another operator made, which its certificate carries. */
  async count(id: string, certificate: Uint8Array, peer: string): Promise<void> {
    const known = await this.#read(id)
    if (known?.peers.includes(peer)) return
    const { grant } = readCertificate(certificate)
    const bytes = known === undefined ? grant : undefined
    if (known === undefined && bytes === undefined) return
    const text = known ? await this.#text(id) : Buffer.from(bytes ?? []).toString('base64')
    await this.#write(id, {
      grant: text,
      excess: known?.excess ?? 'flag',
      peers: [...(known?.peers ?? []), peer].slice(-limits.members),
    })
  }

  async #text(id: string): Promise<string> {
    return entrySchema.parse(JSON.parse(await readFile(this.#file(id), 'utf8'))).grant
  }

  async #read(id: string): Promise<KnownToken | undefined> {
    try {
      const { grant, excess, peers } = entrySchema.parse(JSON.parse(await readFile(this.#file(id), 'utf8')))
      return { id, grant: readEnvelope(grantKind, Buffer.from(grant, 'base64')).document, excess, peers }
    } catch {
      return undefined
    }
  }

  async #write(id: string, entry: z.infer<typeof entrySchema>): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    await replaceFile(this.#file(id), `${JSON.stringify(entry)}\n`)
  }

  #file(id: string): string {
    return join(this.#directory, `${id}.json`)
  }
}
