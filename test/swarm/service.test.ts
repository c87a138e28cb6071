/** The swarm service when what it works with fails: nothing runs away, and it works again afterwards. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownClosure } from '../../node/swarm/chunks/closures.ts'
import type { OpenChunks } from '../../node/swarm/session/open-swarms.ts'
import { SwarmService } from '../../node/swarm/session/swarm-service.ts'
import { UploadLimiter } from '../../node/swarm/session/upload-limiter.ts'
import { ChunkedClosure, memoryPath } from '../helpers/chunked-closure.ts'
import { silentLogger } from '../helpers/log.ts'
import { mesh } from '../helpers/mesh.ts'
import { noise, storePath } from '../helpers/planted-nar.ts'

async function service(t: Parameters<typeof mesh>[0], openChunks: () => Promise<OpenChunks>) {
  const { peers } = await mesh(t, 1)
  const [peer] = peers
  assert.ok(peer)
  const { host, names, admission, closures } = peer
  const { closure, list } = await ChunkedClosure.of([memoryPath(storePath('a'), noise('a', 100_000))])
  const known: KnownClosure = { hash: new Uint8Array(32), closure, list }
  const certificate = { role: 'device', name: 'x' } as never
  const uploads = new UploadLimiter({ peers: 1 })
  const components = { host, names, admission, closures, uploads, openChunks, certificate, log: silentLogger }
  return { swarms: new SwarmService(components), known }
}

test('a store that fails while a closure is opened is told to who asked, and to nobody else', async t => {
  const opening = Promise.withResolvers<OpenChunks>()
  const { swarms, known } = await service(t, () => opening.promise)
  const opened = swarms.open(known)
  swarms.maintain(Date.now())
  opening.reject(new Error('the store is away'))
  await assert.rejects(opened, /the store is away/)
  swarms.maintain(Date.now())
  await swarms.stop()
})

test('a closure is opened once for all who ask, and anew only when its files were closed', async t => {
  const log: string[] = []
  const closing = Promise.withResolvers<void>()
  const { swarms, known } = await service(t, async () => {
    log.push('opened')
    const close = async () => {
      log.push('closing')
      await closing.promise
      log.push('closed')
    }
    return { chunks: { has: () => false } as never, budget: {} as never, close }
  })
  assert.equal(await swarms.open(known), await swarms.open(known))
  swarms.maintain(Date.now())
  assert.deepEqual(log, ['opened'])
  swarms.maintain(Date.now() + 3_600_000)
  const again = swarms.open(known)
  await new Promise(setImmediate)
  assert.deepEqual(log, ['opened', 'closing'])
  closing.resolve()
  await again
  assert.deepEqual(log, ['opened', 'closing', 'closed', 'opened'])
  await swarms.stop()
  assert.equal(log.at(-1), 'closed')
})
