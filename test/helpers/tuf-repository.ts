/** A TUF repository over real HTTP on loopback, whose owner can do what no honest one would. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { canonicalize } from '@tufjs/canonical-json'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { daysAfter } from './fleet.ts'

type Json = Record<string, unknown>
export type KeyType = 'ed25519' | 'ecdsa' | 'rsa'

/** A key as repositories of others have them. */
export interface RepositoryKey {
  readonly id: string
  readonly json: Json
  sign(message: Uint8Array): string
}

export function repositoryKey(type: KeyType = 'ed25519', id?: string): RepositoryKey {
  const made = keyPair(type)
  const pem = String(made.publicKey.export({ format: 'pem', type: 'spki' }))
  const scheme = { ed25519: 'ed25519', ecdsa: 'ecdsa-sha2-nistp256', rsa: 'rsassa-pss-sha256' }[type]
  const raw = made.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
  const json = { keytype: type, scheme, keyval: { public: type === 'ed25519' ? raw : pem } }
  const padding = type === 'rsa' ? { padding: 6, saltLength: 32 } : {}
  return {
    id: id ?? sha256Hex(Buffer.from(canonicalize(json))),
    json,
    sign: message =>
      sign(type === 'ed25519' ? null : 'sha256', message, { key: made.privateKey, ...padding }).toString('hex'),
  }
}

function keyPair(type: KeyType): { publicKey: KeyObject; privateKey: KeyObject } {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return type === 'ecdsa' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
}

const topRoles = ['root', 'timestamp', 'snapshot', 'targets'] as const

export interface Delegation {
  name: string
  paths: string[]
  terminating?: boolean
  keys?: RepositoryKey[]
}

export class TufRepository {
  /** The served files, by path. */
  readonly files = new Map<string, Uint8Array>()
  readonly requests: string[] = []
  /** The signers of each role. */
  readonly signers: Record<string, RepositoryKey[]> = {}
  readonly thresholds: Record<string, number> = {}
  readonly versions: Record<string, number> = {}
  expires: Record<string, Date> = {}
  targets: Record<string, Record<string, Json>> = { targets: {} }
  delegations: Record<string, Delegation[]> = {}
  /** A path whose answer never ends. */
  endless: string | undefined
  readonly #server: Server
  #pinned: Record<string, Json> = {}

  private constructor(server: Server) {
    this.#server = server
    for (const role of topRoles) this.signers[role] = [repositoryKey()]
  }

  static async start(): Promise<TufRepository> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '/').slice(1)
      repository.requests.push(path)
      if (path === repository.endless) {
        const more = () => {
          while (response.writable && response.write(Buffer.alloc(16_384, ' ')));
        }
        response.on('drain', more)
        more()
        return
      }
      const bytes = repository.files.get(path)
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes)
    })
    const repository = new TufRepository(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    repository.publish('root', 'targets')
    return repository
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  file(path: string, content: string, role = 'targets'): void {
    const bytes = Buffer.from(content)
    const hash = sha256Hex(bytes)
    this.targets[role] = { ...this.targets[role], [path]: { length: bytes.length, hashes: { sha256: hash } } }
    const parts = path.split('/')
    parts.push(`${hash}.${parts.pop()}`)
    this.files.set(`targets/${parts.join('/')}`, bytes)
  }

  /** Delegates to a role with one key of its own. */
  delegate(from: string, delegation: Delegation): void {
    const { name } = delegation
    this.signers[name] ??= delegation.keys ?? [repositoryKey()]
    this.targets[name] ??= {}
    this.delegations[from] = [...(this.delegations[from] ?? []), delegation]
  }

  /** New versions of these roles, and of the snapshot and timestamp, unless those are told to stay. */
  publish(...roles: string[]): void {
    for (const role of roles) {
      this.versions[role] = (this.versions[role] ?? 0) + 1
      const version = this.versions[role]
      const bytes = this.sign(role, role === 'root' ? this.#root(version) : this.#targets(role, version))
      this.files.set(`metadata/${version}.${role}.json`, bytes)
      if (role !== 'root') this.#pinned[`${role}.json`] = metaOf(bytes, version)
    }
    this.publishSnapshot((this.versions.snapshot ?? 0) + 1)
    this.publishTimestamp((this.versions.timestamp ?? 0) + 1)
  }

  publishSnapshot(version: number, meta: Record<string, Json> = this.#pinned): void {
    this.versions.snapshot = version
    const bytes = this.sign('snapshot', { ...this.#common('snapshot', version), meta })
    this.files.set(`metadata/${version}.snapshot.json`, bytes)
  }

  publishTimestamp(version: number): void {
    this.versions.timestamp = version
    const snapshot = this.versions.snapshot ?? 1
    const bytes = this.files.get(`metadata/${snapshot}.snapshot.json`) ?? Buffer.alloc(0)
    const meta = { 'snapshot.json': metaOf(bytes, snapshot) }
    this.files.set('metadata/timestamp.json', this.sign('timestamp', { ...this.#common('timestamp', version), meta }))
  }

  sign(role: string, signed: Json, signers = this.signers[role] ?? []): Uint8Array {
    const message = Buffer.from(canonicalize(signed))
    const signatures = signers.map(key => ({ keyid: key.id, sig: key.sign(message) }))
    return Buffer.from(JSON.stringify({ signatures, signed }))
  }

  /** Forgets what the snapshot lists of a role, and takes its version back. */
  forget(role: string, version = 0): void {
    const { [`${role}.json`]: _, ...rest } = this.#pinned
    this.#pinned = rest
    this.versions[role] = version
  }

  #common(kind: string, version: number): Json {
    const expires = (this.expires[kind] ?? daysAfter(new Date(), 30)).toISOString().replace(/\.\d+/, '')
    return { _type: kind, spec_version: '1.0.31', version, expires }
  }

  #root(version: number): Json {
    const keys = topRoles.flatMap(role => this.signers[role] ?? []).map(key => [key.id, key.json])
    const roles = topRoles.map(role => [
      role,
      { keyids: (this.signers[role] ?? []).map(({ id }) => id), threshold: this.thresholds[role] ?? 1 },
    ])
    return {
      ...this.#common('root', version),
      consistent_snapshot: true,
      keys: Object.fromEntries(keys),
      roles: Object.fromEntries(roles),
    }
  }

  #targets(role: string, version: number): Json {
    const delegated = this.delegations[role] ?? []
    const keysOf = ({ name, keys }: Delegation) => keys ?? this.signers[name] ?? []
    const delegations = {
      keys: Object.fromEntries(delegated.flatMap(keysOf).map(key => [key.id, key.json])),
      roles: delegated.map(delegation => ({
        name: delegation.name,
        keyids: keysOf(delegation).map(({ id }) => id),
        threshold: 1,
        terminating: delegation.terminating ?? false,
        paths: delegation.paths,
      })),
    }
    return {
      ...this.#common('targets', version),
      targets: this.targets[role] ?? {},
      ...(delegated.length > 0 && { delegations }),
    }
  }
}

function metaOf(bytes: Uint8Array, version: number): Json {
  return { version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }
}
