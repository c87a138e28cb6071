/** Parts of releases for the golden bytes: secrets, and waves. */

import { cidOf } from '../../protocol/encoding/cid.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import type { Release } from '../../protocol/release/release.ts'
import { secretDocumentCodec } from '../../protocol/release/secrets.ts'

export const sampleSecret = { v: 1 as const, age: Buffer.from('age-encryption.org/v1') }

export function sampleSecrets(): NonNullable<Release['configs'][string]['secrets']> {
  const document = secretDocumentCodec.encode(sampleSecret)
  const named = { document: cidOf(document), size: document.length, source: sha256(Buffer.from('what it was made of')) }
  return { db: named, 'login.1a2b3c4d': { ...named, owner: 'web', group: 'web', mode: '0440' } }
}

export function inWaves(release: Release): Release {
  return {
    ...release,
    version: 3,
    promotes: { release: 2, waves: 1 },
    rollout: {
      waves: [
        { tag: 'canary', soakSeconds: 60, failures: 0, absent: 1 },
        { onePerSite: true },
        { count: 3 },
        { percent: 50 },
      ],
      soakSeconds: 3600,
      failures: 1,
      absent: 2,
      isolated: { afterSeconds: 86_400 },
      prefetch: false,
    },
    devices: { 'kiosk-1': { config: 'kiosk', site: 'north', tags: ['canary', 'shop'] } },
  }
}
