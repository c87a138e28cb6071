/** Tests of what comes before a fetch: paths that no trusted key signed are refused before a byte is asked for. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatNixPublicKey, nixSecretKeyFromSeed, signPath } from '../../../protocol/nix/signature.ts'
import { testSeed, testStorePath } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { type ClosureFetchComponents, fetchClosure } from './closure-fetch.ts'

const key = nixSecretKeyFromSeed('orchard-1', testSeed('nix'))
const other = nixSecretKeyFromSeed('other-1', testSeed('other'))

/** Fetches a closure of two paths, of which the second is signed by `signer`; the swarm is only noted, and has nothing. */
function scene(signer: typeof key, { trusted = [key], valid = [] as string[], held = {} } = {}) {
  const paths = ['one', 'two'].map((name, place) => {
    const info = { path: testStorePath(name), narHash: new Uint8Array(32), narSize: 8, references: [] }
    const described = { ...info, signatures: [signPath(info, place === 1 ? signer : key)] }
    return { described, references: [], chunks: new Uint32Array(0) }
  })
  const seen: string[] = []
  const components = {
    store: {
      holdTempRoots: async () => ({ release: async () => void seen.push('released') }),
      validPaths: async () => new Set(valid),
      pathInfos: async () =>
        new Map(paths.map(({ described }) => [described.path, { ...described, references: [], ...held }])),
    },
    swarms: {
      open: async () => {
        seen.push('asked for')
        throw new Error('nobody is here')
      },
    },
    trustedPublicKeys: () => trusted.map(formatNixPublicKey),
    log: silentLogger,
  } as unknown as ClosureFetchComponents
  const running = fetchClosure(components, { list: { paths } } as never, { signal: AbortSignal.timeout(60_000) })
  return { running, seen }
}

describe('a fetch', () => {
  it('refuses a path that no trusted key signed before anything is asked for', async () => {
    for (const trusted of [[key], []]) {
      const { running, seen } = scene(other, { trusted })
      await assert.rejects(running, { code: 'signature-refused' })
      assert.deepEqual(seen, ['released'])
    }
  })

  it('asks for what a trusted key signed', async () => {
    const { running, seen } = scene(key)
    await assert.rejects(running, { message: 'nobody is here' })
    assert.deepEqual(seen, ['asked for', 'released'])
  })

  it('builds upon no path that the store has with other content, unless a trusted key signed that', async () => {
    const two = testStorePath('two')
    const content = { path: two, narHash: new Uint8Array(32).fill(1), narSize: 8, references: [] }
    for (const signatures of [[], [signPath(content, other)]]) {
      const { running, seen } = scene(key, { valid: [two], held: { ...content, signatures } })
      await assert.rejects(running, { code: 'other-content' })
      assert.deepEqual(seen, ['released'])
    }
    const { running } = scene(key, { valid: [two], held: { ...content, signatures: [signPath(content, key)] } })
    await assert.rejects(running, { message: 'nobody is here' })
  })

  it('asks for no signature of paths that are in the store already', async () => {
    const { running, seen } = scene(other, { valid: [testStorePath('two')] })
    await assert.rejects(running, { message: 'nobody is here' })
    assert.deepEqual(seen, ['asked for', 'released'])
  })
})
