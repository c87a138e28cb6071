/** Tests of staging on a disk that fills up: it has an error of its own, and staged chunks stay. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Staging } from '../../node/swarm/staging/staging.ts'
import { ChunkedClosure, memoryPath } from '../helpers/chunked-closure.ts'
import { noise, storePath } from '../helpers/planted-nar.ts'

const run = promisify(execFile)
const options = { skip: process.getuid?.() === 0 ? false : 'needs root to mount a tmpfs', timeout: 600_000 }

test('a full disk has an error of its own, and there is room again when a path is released', options, async t => {
  const disk = await mkdtemp(join(tmpdir(), 'thymesh-full-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'thymesh-test', disk])
  t.after(async () => {
    await run('umount', ['-l', disk])
    await rm(disk, { recursive: true, force: true })
  })
  const sizes = [9_000_000, 9_000_000]
  const closure = await ChunkedClosure.of(sizes.map((size, i) => memoryPath(storePath(`${i}`), noise(`${i}`, size))))
  const { list } = closure
  const directory = join(disk, 'closure')
  const staging = await Staging.open(directory, list, { budgetBytes: 1024 ** 3 })
  const numbers = Array.from({ length: list.count }, (_, number) => number)
  const put = async (number: number) => staging.put(number, await closure.chunk(number))
  const results = await Promise.allSettled(numbers.map(put))
  const refused = results.filter(result => result.status === 'rejected')
  assert.ok(refused.length > 0)
  for (const { reason } of refused) assert.equal(reason.code, 'disk-full')
  assert.equal(staging.staged().count, list.count - refused.length)
  assert.ok(staging.bytes <= 12 * 1024 ** 2)

  const again = await Staging.open(directory, list, { budgetBytes: 1024 ** 3 })
  assert.deepEqual(again.staged().bytes, staging.staged().bytes)
  await again.close()
  const [first, second] = list.paths
  await staging.releasePath(first?.described.path ?? '')
  for (const number of second?.chunks ?? []) await put(number)
  for (const number of second?.chunks ?? []) assert.deepEqual(await staging.read(number), await closure.chunk(number))
  await staging.close()
})
