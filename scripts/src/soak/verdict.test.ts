/** Verdicts of soaks that went well, leaked, lost something or hardly ran. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reading } from './flat.ts'
import type { Sample } from './samples.ts'
import { type Measured, textOf, verdictOf } from './verdict.ts'

const MiB = 1 << 20

/** A device that has 100 MiB, and as much more each minute; nothing else of it is counted. */
const device = (grows: number, minutes = 60) => ({
  name: 'device',
  readings: (figure: keyof Sample): Reading[] =>
    Array.from({ length: minutes + 1 }, (_, minute) => ({
      atMs: minute * 60_000,
      value: figure === 'rssBytes' ? 100 * MiB + minute * grows : 0,
    })),
})
const good: Measured = {
  minutes: 60,
  rounds: { rounds: 90, seconds: { cold: 2, update: 1 }, lanes: { lane: 90, stream: 0 } },
  silence: { minutes: 60, held: true, messageMs: 12, probes: 80, bytesPerSecond: 20 },
  processes: [device(0)],
  lanes: { expected: ['lane'], refused: ['stream'] },
}

describe('the verdict of a soak', () => {
  it('is good when all is flat and nothing was lost', () => {
    const verdict = verdictOf(good)
    assert.deepEqual([verdict.held, verdict.problems], [true, []])
    assert.deepEqual(
      verdict.figures.map(({ figure, quarters }) => [figure, quarters]),
      [['resident memory', [100, 100, 100, 100]]],
    )
    assert.match(textOf(verdict), /All flat, nothing lost\.$/)
  })

  const bad: Record<string, { change: Partial<Measured>; problem: RegExp }> = {
    'a device grows': {
      change: { processes: [device(MiB)] },
      problem: /^device: resident memory grew by 45 MiB, at most 12 MiB are flat \(60 MiB an hour\)\.$/,
    },
    'there are too few readings': { change: { processes: [device(0, 2)] }, problem: /^device: read less than 3 times/ },
    'nothing was fetched': { change: { rounds: { ...good.rounds, rounds: 0 } }, problem: /^No closure was fetched\.$/ },
    'there was no lane': {
      change: { rounds: { ...good.rounds, lanes: { lane: 0, stream: 0 } } },
      problem: /^lane: expected bulk lanes/,
    },
    'there was a lane where none may be': {
      change: { rounds: { ...good.rounds, lanes: { lane: 90, stream: 1 } } },
      problem: /^stream: expected no bulk lanes/,
    },
    'the connection is another one': {
      change: { silence: { ...good.silence, held: false } },
      problem: /^The silent connection was lost/,
    },
    'no message passes': {
      change: { silence: { ...good.silence, messageMs: undefined } },
      problem: /^After the silence a release did not pass within 60 s\.$/,
    },
  }
  for (const [name, { change, problem }] of Object.entries(bad)) {
    it(`is bad when ${name}`, () => {
      const verdict = verdictOf({ ...good, ...change })
      assert.equal(verdict.held, false)
      assert.equal(verdict.problems.length, 1, verdict.problems.join('\n'))
      assert.match(verdict.problems[0] ?? '', problem)
      assert.ok(textOf(verdict).endsWith(verdict.problems[0] ?? ''))
    })
  }
})
