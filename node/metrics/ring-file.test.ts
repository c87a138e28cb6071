/** Rings of metrics: what is kept, for how long, after a power cut, and of files that are none. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { RingFile, ringFileBytes } from './ring-file.ts'

const hour = 3600
const day = 24 * hour
/** Some midnight. */
const begin = 20_000 * day

/** What this process has had written to a disk; nothing where the test's folder is in memory. */
function writtenBytes(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

async function scene(t: TestContext) {
  const file = join(await testDirectory(t), 'metrics')
  const told: string[] = []
  const openAt = (now: number) => RingFile.open(file, now, reason => told.push(reason))
  return { file, told, openAt }
}

/** Minutes from `from` to `to`, with a value for each. */
async function fill(rings: RingFile, from: number, to: number, value: (seconds: number) => number) {
  for (let at = from; at < to; at += 60) await rings.add(at, { cpu: value(at), disk: 70 })
}

describe('the file of metrics', () => {
  it('has minutes, quarter hours and two hours, each with its extremes', async t => {
    const { openAt, file } = await scene(t)
    const rings = await openAt(begin)
    await fill(rings, begin, begin + 5 * hour, at => (at % 900) / 9)
    const minutes = await rings.history(60, begin + hour, begin + hour + 179, ['cpu'])
    assert.deepEqual([minutes.from, minutes.points], [begin + hour, 3])
    assert.deepEqual(
      minutes.series.map(({ name }) => name),
      ['cpu'],
    )
    assert.deepEqual([...(minutes.series[0]?.average ?? [])].map(Math.round), [0, 7, 13])
    const quarters = await rings.history(900, begin, begin + hour - 1, ['cpu', 'disk'])
    assert.deepEqual(quarters.points, 4)
    const [cpu, disk] = quarters.series
    for (const each of cpu?.average ?? []) assert.ok(Math.abs(each - 46.67) < 0.1, String(each))
    assert.deepEqual([...(disk?.min ?? [])].map(Math.round), [70, 70, 70, 70])
    for (const each of cpu?.max ?? []) assert.ok(Math.abs(each - 93.3) < 0.5, String(each))
    const hours = await rings.history(7200, begin, begin + 4 * hour - 1, ['cpu'])
    assert.deepEqual([...(hours.series[0]?.average ?? [])].map(Math.round), [47, 47])
    await rings.close()
    assert.equal((await stat(file)).size, ringFileBytes)
    assert.equal(ringFileBytes, 2 * 1024 * 1024)
  })

  it('loses at most a quarter of an hour to a power cut, and derives the rest', async t => {
    const { openAt, file } = await scene(t)
    const rings = await openAt(begin)
    const end = begin + 3 * hour + 8 * 60
    await fill(rings, begin, end, () => 50)
    // What is on disk now is what the next start finds; nothing is flushed.
    const cut = await readFile(file)
    await rings.close()
    await writeFile(file, cut)
    const after = await openAt(end)
    const { series } = await after.history(60, begin, end, ['cpu'])
    const kept = [...(series[0]?.average ?? [])].filter(value => !Number.isNaN(value)).length
    assert.equal(kept, 3 * 60, 'the minutes before the last quarter of an hour')
    const quarters = await after.history(900, begin, begin + 3 * hour - 1, ['cpu'])
    assert.deepEqual(
      [...(quarters.series[0]?.average ?? [])],
      Array.from({ length: 12 }, () => 50),
    )
    const hours = await after.history(7200, begin, begin + 2 * hour - 1, ['cpu'])
    assert.deepEqual([...(hours.series[0]?.average ?? [])], [50])
    await after.close()
  })

  it('forgets the oldest, and never grows', async t => {
    const { openAt, file } = await scene(t)
    const rings = await openAt(begin)
    await fill(rings, begin, begin + 26 * hour, at => (at - begin) / hour)
    const { series, from } = await rings.history(60, begin, begin + 26 * hour - 1, ['cpu'])
    assert.equal(from, begin + 2 * hour)
    assert.equal(series[0]?.average.length, 1440)
    assert.ok(Math.abs((series[0]?.average[0] ?? 0) - 2) < 0.01)
    assert.equal((await stat(file)).size, ringFileBytes)
    await rings.close()
  })

  it('writes at most 512 KiB a day, also after it was read as a whole', async t => {
    const { openAt } = await scene(t)
    const rings = await openAt(begin)
    await fill(rings, begin, begin + day, at => at % 100)
    for (const step of [60, 900, 7200] as const) await rings.history(step, 0, begin + 2 * day)
    const before = writtenBytes()
    await fill(rings, begin + day, begin + 2 * day, at => at % 100)
    assert.ok(writtenBytes() - before <= 512 * 1024, `${writtenBytes() - before} bytes`)
    await rings.close()
  })

  it('takes no part in a clock that jumps', async t => {
    const { openAt } = await scene(t)
    const rings = await openAt(begin)
    await fill(rings, begin, begin + hour, () => 10)
    // Years ahead, and back.
    await rings.add(begin + 3000 * day, { cpu: 99 })
    await fill(rings, begin + hour, begin + 2 * hour, () => 20)
    const { series } = await rings.history(900, begin, begin + 2 * hour - 901, ['cpu'])
    assert.deepEqual([...(series[0]?.average ?? [])], [10, 10, 10, 10, 20, 20, 20])
    await rings.close()
  })

  it('reads nothing out of bytes that are no rows', async t => {
    const { openAt, file } = await scene(t)
    const rings = await openAt(begin)
    await fill(rings, begin, begin + hour, () => 10)
    await rings.close()
    const handle = await open(file, 'r+')
    await handle.write(randomBytes(ringFileBytes - 4096), 0, ringFileBytes - 4096, 4096)
    await handle.close()
    const again = await openAt(begin + hour)
    for (const step of [60, 900, 7200] as const) {
      const { series } = await again.history(step, begin, begin + 30 * day)
      for (const { average, min, max } of series) {
        for (const values of [average, min, max]) assert.ok(values.every(value => Number.isNaN(value)))
      }
    }
    await again.close()
  })

  it('keeps no value that is no number', async t => {
    const { openAt } = await scene(t)
    const rings = await openAt(begin)
    for (const [at, cpu] of [Number.NaN, Number.POSITIVE_INFINITY, 30].entries())
      await rings.add(begin + at * 60, { cpu })
    await rings.add(begin + 900, {})
    const minutes = await rings.history(60, begin, begin + 179, ['cpu'])
    assert.deepEqual([...(minutes.series[0]?.average ?? [])], [Number.NaN, Number.NaN, 30])
    const quarters = await rings.history(900, begin, begin + 899, ['cpu'])
    assert.deepEqual([...(quarters.series[0]?.average ?? [])], [30])
    await rings.close()
  })

  for (const [what, damage] of [
    ['is cut off', (file: string) => truncate(file, 100_000)],
    ['is empty', (file: string) => truncate(file, 0)],
    ['is something else', (file: string) => writeFile(file, Buffer.alloc(ringFileBytes, 'x'))],
    [
      'is of a later version',
      async (file: string) => {
        const handle = await open(file, 'r+')
        await handle.write('thymesh metrics\n{"v":2,"columns":["cpu"]}\0', 0)
        await handle.close()
      },
    ],
  ] as const) {
    it(`begins anew where the file ${what}, and sets it aside`, async t => {
      const { openAt, file, told } = await scene(t)
      const rings = await openAt(begin)
      await fill(rings, begin, begin + hour, () => 10)
      await rings.close()
      await damage(file)
      const again = await openAt(begin + hour)
      assert.match(told.join(), /^not a file of metrics: /)
      await again.add(begin + hour, { cpu: 5 })
      const { series } = await again.history(60, begin + hour, begin + hour, ['cpu'])
      assert.deepEqual([...(series[0]?.average ?? [])], [5])
      await again.close()
      await stat(`${file}.old`)
    })
  }
})
