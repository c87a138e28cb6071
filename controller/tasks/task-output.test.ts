/** Output of tasks: whole, in order, within bounds. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { outputBytes, outputMs, partBytes, sliceCharacters } from './limits.ts'
import { type OutputPart, TaskOutput } from './task-output.ts'

function said(lines: readonly string[]): OutputPart[] {
  const parts: OutputPart[] = []
  const output = new TaskOutput('one', part => parts.push(part))
  for (const line of lines) output.add(line)
  output.end()
  return parts
}

function whole(parts: readonly OutputPart[]): string {
  let told = 0
  for (const { from, bytes } of parts) {
    assert.equal(from, told)
    told += bytes.length
  }
  return Buffer.concat(parts.map(({ bytes }) => bytes)).toString()
}

describe('output of a task', () => {
  it('comes whole and in order, in parts of whole lines', () => {
    const others = ['', '"', '\\', 'ü', '€', '😀']
    const lines = Array.from({ length: 40_000 }, (_, at) => `line ${at}: ${others[at % 6]}${'x'.repeat(at % 90)}`)
    const parts = said(lines)
    assert.ok(parts.length > 1)
    for (const { bytes } of parts) assert.equal(bytes.at(-1), 0x0a)
    assert.ok(whole(parts) === `${lines.join('\n')}\n`)
  })

  it('is told though it fits no part, and though nothing comes after it', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const parts: OutputPart[] = []
    const output = new TaskOutput('one', part => parts.push(part))
    const long = `${'z'.repeat(3_999)}\n`.repeat(partBytes / 4_000 - 2)
    for (const text of ['first', long, 'y'.repeat(sliceCharacters / 8), long, long]) output.add(text.trimEnd())
    t.mock.timers.tick(outputMs)
    assert.ok(whole(parts) === `first\n${long}${'y'.repeat(sliceCharacters / 8)}\n${long}${long}`)
  })

  it('keeps of an endless one what is allowed, and says how much is left out', () => {
    const line = 'w'.repeat(9_999)
    const count = Math.ceil(outputBytes / 10_000) + 20
    const all = whole(said(Array.from({ length: count }, () => line)))
    const kept = Math.floor(outputBytes / 10_000)
    assert.equal(all.length, kept * 10_000 + `(${count - kept} more lines are left out)\n`.length)
    assert.ok(all.endsWith(`\n(${count - kept} more lines are left out)\n`))
  })
})
