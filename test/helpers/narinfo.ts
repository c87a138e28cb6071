/** Reads our binary cache's narinfo of a path, as Nix does. */

import type { NarInfo } from '../../protocol/nix/narinfo.ts'
import { storeDir } from '../../protocol/nix/store-path.ts'
import { decodeNix32 } from './nix32.ts'

/** Takes what Nix and `formatNarInfo` write, and throws at lines that are none. */
export function parseNarInfo(text: string): NarInfo {
  const lines = text.split('\n').filter(Boolean)
  const values = new Map<string, string>()
  const signatures: string[] = []
  for (const each of lines) {
    const [, key = '', value = ''] = /^(\w+): (.*)$/.exec(each) ?? []
    if (key === '' || (key !== 'Sig' && values.has(key))) throw new RangeError(`expected another line, got ${each}`)
    if (key === 'Sig') signatures.push(value)
    else values.set(key, value)
  }
  const required = (key: string) => {
    const value = values.get(key)
    if (value === undefined) throw new RangeError(`expected a line ${key}, got ${[...values.keys()].join(', ')}`)
    return value
  }
  const hash = (key: string) => decodeNix32(required(key).replace(/^sha256:/, ''))
  const fullPath = (name: string) => `${storeDir}/${name}`
  return {
    path: required('StorePath'),
    url: required('URL'),
    compression: required('Compression'),
    ...(values.has('FileHash') && { fileHash: hash('FileHash') }),
    ...(values.has('FileSize') && { fileSize: Number(required('FileSize')) }),
    narHash: hash('NarHash'),
    narSize: Number(required('NarSize')),
    references: required('References').split(' ').filter(Boolean).map(fullPath),
    ...(values.has('Deriver') && { deriver: fullPath(required('Deriver')) }),
    signatures,
    ...(values.has('CA') && { contentAddress: required('CA') }),
  }
}
