/** Tests of progress in a line: within 80 and 40 columns, in place on a terminal, plain lines elsewhere, none for what is quick. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Progress } from '../api/schemas/task.ts'
import { ProgressBar, progressLine } from './progress-bar.ts'

const fetching: Progress = { step: 'Building hello', done: 12_000_000, of: 40_000_000, unit: 'bytes' }

function stream(isTTY: boolean, columns = 80) {
  const written: string[] = []
  return {
    written,
    stream: { isTTY, columns, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream,
  }
}

describe('progress in a line', () => {
  it('has a bar, the rate and the time that is left', () => {
    const line = progressLine(fetching, 3_100_000, 79)
    assert.equal(line, 'Building hello  [######             ]  12.0 MB of 40.0 MB, 3.1 MB/s, 10 s left')
    const items = progressLine({ step: 'Describing x', done: 3, of: 10, unit: 'items' }, 1, 79)
    assert.match(items, /^Describing x {2}\[#+ +\] {2}3 of 10, 7 s left$/)
  })

  it('fits into any width, and keeps the numbers', () => {
    const long = { ...fetching, step: 'Building hello: linux-6.1 (buildPhase), gcc-15 (configurePhase)' }
    for (const width of [79, 60, 39]) {
      const line = progressLine(long, 3_100_000, width)
      assert.ok(line.length <= width, `${width}: ${line}`)
      assert.match(line, /12\.0 MB of 40\.0 MB/)
    }
  })

  it('knows no rate before two looks, and no end where nobody knows one', () => {
    assert.match(progressLine(fetching, undefined, 79), /40\.0 MB$/)
    assert.equal(progressLine({ ...fetching, of: 0 }, undefined, 79), 'Building hello  12.0 MB')
  })
})

describe('a progress bar', () => {
  it('is drawn in place on a terminal, after a second, and taken away', () => {
    const { written, stream: terminal } = stream(true)
    let now = 0
    const bar = new ProgressBar(terminal, () => now)
    bar.show(fetching)
    assert.deepEqual(written, [])
    now = 1_500
    bar.show({ ...fetching, done: 15_000_000 })
    assert.ok(written.join('').startsWith('\x1b[2KBuilding hello '), written.join(''))
    assert.match(written.join(''), /15\.0 MB of 40\.0 MB, 2\.0 MB\/s, 13 s left\n$/)
    bar.show(null)
    bar.clear()
    assert.equal(written.length, 2)
  })

  it('has below it what Nix does, as a tree, in 80 columns and in 40', () => {
    for (const columns of [80, 40]) {
      const { written, stream: terminal } = stream(true, columns)
      let now = Date.parse('2026-01-31T12:00:00Z')
      const started = new Date(now).toISOString()
      const none = { phase: null, done: 0, of: 0, started }
      const activities = [
        { ...none, id: 'a', parent: null, name: 'kiosk', kind: 'config' as const, done: 3, of: 12 },
        { ...none, id: 'b', parent: 'a', name: 'linux-6.12', kind: 'build' as const, phase: 'buildPhase' },
        {
          ...none,
          id: 'c',
          parent: 'a',
          name: 'openssl-3.1',
          kind: 'transfer' as const,
          done: 3_100_000,
          of: 5_000_000,
        },
      ]
      const bar = new ProgressBar(terminal, () => now)
      bar.show(fetching, activities)
      now += 12_000
      bar.show(fetching, activities)
      const lines = written.join('').replaceAll('\x1b[2K', '').split('\n').slice(1, 4)
      assert.deepEqual(lines, [
        '  kiosk  3 of 12, 12 s',
        '    linux-6.12  buildPhase, 12 s',
        '    openssl-3.1  3.1 MB of 5.0 MB',
      ])
      assert.ok(
        written
          .join('')
          .split('\n')
          .every(line => line.length < columns + 8),
      )
    }
  })

  it('says of a step whose end nobody knows how long it lasts', () => {
    const { written, stream: terminal } = stream(true)
    const bar = new ProgressBar(terminal)
    bar.wait('Checking the project', 500)
    assert.deepEqual(written, [])
    bar.wait('Checking the project', 3_000)
    assert.match(written.join(''), /Checking the project … {2}3 s\n$/)
  })

  it('is a line now and then where there is no terminal', () => {
    const { written, stream: file } = stream(false)
    let now = 0
    const bar = new ProgressBar(file, () => now)
    for (; now <= 25_000; now += 500) bar.show({ ...fetching, done: now * 1000 })
    assert.equal(written.length, 2)
    assert.ok(written.every(line => line.endsWith('\n') && !line.includes('\x1b')))
  })
})
