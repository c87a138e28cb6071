/** Tests of staging: what was put is there, also after a crash; what is torn is found; the budget holds. */

import assert from 'node:assert/strict'
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { ChunkedClosure, memoryPath } from '../../../test/helpers/chunked-closure.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { noise, storePath } from '../../../test/helpers/planted-nar.ts'
import { Staging } from './staging.ts'
import { StagingLayout } from './staging-layout.ts'
import { removeStaleStaging } from './stale-staging.ts'

const MIB = 1024 ** 2
const budgetBytes = 100 * MIB

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-staging-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const small = [storePath('a'), storePath('b'), storePath('c')] as const
const large = storePath('large')

/** Three small paths that share a file (the last one shares chunks with the first), and one that has a file for itself. */
function closure(): Promise<ChunkedClosure> {
  const first = noise('a', 400_000)
  return ChunkedClosure.of([
    memoryPath(small[0], first),
    memoryPath(small[1], noise('b', 300_000)),
    memoryPath(small[2], Buffer.concat([first, noise('c', 100_000)])),
    memoryPath(large, noise('large', 9 * MIB)),
  ])
}

async function putAll(staging: Staging, chunked: ChunkedClosure): Promise<void> {
  const numbers = Array.from({ length: chunked.list.count }, (_, number) => number)
  // In an order that has nothing to do with the chunks' own.
  numbers.sort((a, b) => ((a * 7919) % 101) - ((b * 7919) % 101))
  await Promise.all(numbers.map(async number => staging.put(number, await chunked.chunk(number))))
}

test('staging: chunks put in any order are read back, also by the next process', async t => {
  const directory = join(await temporary(t), 'closure')
  const chunked = await closure()
  const { list } = chunked
  const staging = await Staging.open(directory, list, { budgetBytes })
  assert.equal(staging.staged().count, 0)
  assert.equal(await staging.read(0), undefined)
  await putAll(staging, chunked)
  await staging.put(0, await chunked.chunk(0))
  assert.equal(
    staging.bytes,
    list.lengths.reduce((sum, length) => sum + length),
  )
  assert.ok(staging.staged().isFull)
  // Not closed: as if killed.
  const next = await Staging.open(directory, list, { budgetBytes })
  t.after(() => Promise.all([staging.close(), next.close()]))
  assert.ok(next.staged().isFull)
  assert.equal(next.bytes, staging.bytes)
  for (let number = 0; number < list.count; number++) {
    assert.deepEqual(await next.read(number), Buffer.from(await chunked.chunk(number)))
  }
  assert.equal((await readdir(directory)).length, 2)
})

test('staging: what a crash tore or never wrote is not counted', async t => {
  const directory = join(await temporary(t), 'closure')
  const chunked = await closure()
  const { list } = chunked
  const layout = new StagingLayout(list)
  const staging = await Staging.open(directory, list, { budgetBytes })
  await putAll(staging, chunked)
  await staging.close()

  const first = layout.ranges[0]
  const second = layout.ranges[1]
  assert.ok(first !== undefined && second !== undefined)
  const torn = first.from + 2
  const file = await open(join(directory, `${first.from}-${first.to}`), 'r+')
  // The end of a chunk is still zeros, as when some of its pages didn't reach the disk.
  await file.write(Buffer.alloc(1000), 0, 1000, (layout.offsets[torn] ?? 0) + list.length(torn) - 1000)
  await file.close()
  const name = join(directory, `${second.from}-${second.to}`)
  await truncate(name, (layout.offsets[second.to - 1] ?? 0) + 10)
  await writeFile(join(directory, 'what is this'), 'x')

  const next = await Staging.open(directory, list, { budgetBytes })
  t.after(() => next.close())
  const lacking = Array.from({ length: list.count }, (_, number) => number).filter(number => !next.has(number))
  assert.deepEqual(lacking, [torn, second.to - 1])
  assert.equal(next.bytes, staging.bytes - list.length(torn) - list.length(second.to - 1))
  assert.equal(await next.read(torn), undefined)
  await next.put(torn, await chunked.chunk(torn))
  assert.deepEqual(await next.read(torn), Buffer.from(await chunked.chunk(torn)))
  assert.ok(!(await readdir(directory)).includes('what is this'))
})

test('staging: what came lately is read from memory, the rest from the disk', async t => {
  const directory = join(await temporary(t), 'closure')
  const chunked = await closure()
  const recentBytes = chunked.list.length(1) + chunked.list.length(2)
  const staging = await Staging.open(directory, chunked.list, { budgetBytes, recentBytes })
  t.after(() => staging.close())
  for (const number of [0, 1, 2]) await staging.put(number, await chunked.chunk(number))
  const file = join(directory, (await readdir(directory))[0] ?? '')
  await truncate(file, 0)
  assert.equal(await staging.read(0), undefined)
  for (const number of [1, 2]) assert.deepEqual(await staging.read(number), await chunked.chunk(number))
})

test('staging: a chunk that is damaged later is found when it is read', async t => {
  const directory = join(await temporary(t), 'closure')
  const chunked = await closure()
  const staging = await Staging.open(directory, chunked.list, { budgetBytes, recentBytes: 0 })
  t.after(() => staging.close())
  await staging.put(1, await chunked.chunk(1))
  const file = await open(join(directory, (await readdir(directory))[0] ?? ''), 'r+')
  await file.write(Buffer.from('!'), 0, 1, (new StagingLayout(chunked.list).offsets[1] ?? 0) + 5)
  await file.close()
  assert.ok(staging.has(1))
  assert.equal(await staging.read(1), undefined)
  assert.ok(!staging.has(1))
})

test('staging: a run of chunks is read from memory and disk, as far as it is here and fits, and is not verified', async t => {
  const directory = join(await temporary(t), 'closure')
  const chunked = await closure()
  const { list } = chunked
  const { offsets, ranges } = new StagingLayout(list)
  const staging = await Staging.open(directory, list, { budgetBytes, recentBytes: list.length(1) })
  t.after(() => staging.close())
  const into = Buffer.alloc(8 * MIB)
  assert.equal(await staging.readRun([0, 1], into), 0)
  for (const number of [0, 2, 3, 5, 1]) await staging.put(number, await chunked.chunk(number))
  const is = async (...numbers: number[]) => {
    const all = Buffer.concat(await Promise.all(numbers.map(number => chunked.chunk(number))))
    return into.subarray(0, all.length).equals(all)
  }
  assert.equal(await staging.readRun([0, 1, 2, 3, 4, 5], into), 4)
  assert.ok(await is(0, 1, 2, 3), 'up to the first that is not here')
  assert.equal(await staging.readRun([3, 5, 0, 0], into), 4)
  assert.ok(await is(3, 5, 0, 0), 'in the order that was asked for')
  assert.equal(await staging.readRun([0, 1, 2], into.subarray(0, list.length(0) + list.length(1) + 1)), 2)
  const second = ranges[1]?.from ?? 0
  await staging.put(second, await chunked.chunk(second))
  assert.equal(await staging.readRun([0, second], into), 1, 'of one file')
  const name = join(directory, `${ranges[0]?.from}-${ranges[0]?.to}`)
  const file = await open(name, 'r+')
  await file.write(Buffer.from('!'), 0, 1, (offsets[2] ?? 0) + 5)
  await file.close()
  assert.equal(await staging.readRun([2, 3], into), 2)
  assert.ok(!(await is(2, 3)))
  await truncate(name, 10)
  assert.equal(await staging.readRun([2, 3], into), 0)
})

test('staging: paths are released one by one, and a file goes with its last path', async t => {
  const directory = join(await temporary(t), 'closure')
  const chunked = await closure()
  const { list } = chunked
  const staging = await Staging.open(directory, list, { budgetBytes })
  await putAll(staging, chunked)
  await staging.releasePath(large)
  assert.equal((await readdir(directory)).length, 1)
  const left = staging.bytes
  await staging.releasePath(small[0])
  assert.equal(await staging.read(0), undefined)
  assert.equal(staging.bytes, left)
  const ofSecond = list.paths[1]?.chunks[0] ?? 0
  assert.ok((await staging.read(ofSecond)) !== undefined)
  await staging.releasePath(small[2])
  await staging.releasePath(small[1])
  assert.deepEqual(await readdir(directory), [])
  assert.equal(staging.bytes, 0)
  assert.equal(staging.staged().count, 0)
  await staging.put(0, await chunked.chunk(0))
  assert.ok((await staging.read(0)) !== undefined)
  await staging.remove()
  await assert.rejects(stat(directory), { code: 'ENOENT' })
  await assert.rejects(staging.put(1, await chunked.chunk(1)), withCode('unusable'))
})

test('staging: its budget is kept, by chunks that come side by side too', async t => {
  const directory = join(await temporary(t), 'closure')
  const chunked = await closure()
  const { list } = chunked
  const staging = await Staging.open(directory, list, { budgetBytes: 300_000 })
  t.after(() => staging.close())
  const puts = Array.from({ length: list.count }, async (_, number) => staging.put(number, await chunked.chunk(number)))
  const results = await Promise.allSettled(puts)
  const refused = results.filter(result => result.status === 'rejected')
  assert.ok(refused.length > 0 && refused.length < list.count)
  for (const { reason } of refused) withCode('disk-full')(reason)
  assert.ok(staging.bytes <= 300_000)
  assert.equal(staging.staged().count, list.count - refused.length)
  const lacking = results.findIndex(({ status }) => status === 'rejected')
  await assert.rejects(staging.put(lacking, new Uint8Array(3)), RangeError)
})

test('staging layout: every chunk has a place of its own', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(sizes, async lengths => {
      // The same noise for all: later paths share chunks with the first.
      const paths = lengths.map((length, i) => memoryPath(storePath(`${i}`), noise(`${i % 3}`, length)))
      const { list } = await ChunkedClosure.of(paths)
      const layout = new StagingLayout(list)
      let next = 0
      for (const [i, { from, to }] of layout.ranges.entries()) {
        assert.equal(from, next)
        let end = 0
        for (let number = from; number < to; number++) {
          assert.equal(layout.offsets[number], end)
          assert.equal(layout.rangeOf(number), i)
          end += list.length(number)
        }
        next = to
      }
      assert.equal(next, list.count)
      assert.equal(
        layout.ranges.reduce((sum, range) => sum + range.paths, 0),
        list.paths.length,
      )
    }),
    { numRuns: 20 },
  )
})

test('stale staging: other closures go, but for the newest and not too old ones', async t => {
  const parent = await temporary(t)
  const at = async (name: string, daysAgo: number) => {
    await mkdir(join(parent, name))
    await writeFile(join(parent, name, '0-1'), 'x')
    const time = new Date(Date.now() - daysAgo * 24 * 60 * 60_000)
    await utimes(join(parent, name, '0-1'), time, time)
    await utimes(join(parent, name), time, time)
  }
  await at('current', 100)
  await at('yesterday', 1)
  await at('before', 2)
  assert.deepEqual(await removeStaleStaging(parent, new Set(['current'])), ['before'])
  assert.deepEqual((await readdir(parent)).toSorted(), ['current', 'yesterday'])
  await at('older', 30)
  await rm(join(parent, 'yesterday'), { recursive: true })
  assert.deepEqual(await removeStaleStaging(parent, new Set(['current'])), ['older'])
  assert.deepEqual(await removeStaleStaging(join(parent, 'nowhere'), new Set()), [])
})

test('staging: a link in place of a staged file is not followed', async t => {
  const folder = await temporary(t)
  const directory = join(folder, 'closure')
  const victim = join(folder, 'victim')
  await writeFile(victim, 'as it was')
  const chunked = await closure()
  await mkdir(directory)
  for (const { from, to } of new StagingLayout(chunked.list).ranges)
    await symlink(victim, join(directory, `${from}-${to}`))
  await assert.rejects(Staging.open(directory, chunked.list, { budgetBytes }), withCode('unusable'))
  assert.equal(await readFile(victim, 'utf8'), 'as it was')
})
