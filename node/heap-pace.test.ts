/** With the flags of a device, the heap is marked seldom while closures move, and as often as before afterwards. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** Lets buffers live for a while, as chunks on their way do, and counts full collections: before, while late, after. */
const program = `
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
const { collectLate } = await import(process.argv[1])
let full = 0
new PerformanceObserver(list => {
  for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full++
}).observe({ entryTypes: ['gc'] })
const ballast = Array.from({ length: 200_000 }, (_, at) => ({ at }))
async function collections() {
  await sleep(20)
  const before = full
  const kept = []
  for (let each = 0; each < 6000; each++) {
    kept.push(Buffer.allocUnsafeSlow(65_536))
    if (kept.length > 200) kept.shift()
    if (each % 100 === 0) await sleep(0)
  }
  await sleep(20)
  return full - before
}
await collections()
const before = await collections()
const ends = [collectLate(), collectLate()]
ends[0]()
ends[0]()
await collections()
const late = await collections()
ends[1]()
await collections()
const after = await collections()
console.log(JSON.stringify({ before, late, after, ballast: ballast.length }))
`

describe('the pace of collections', () => {
  it('is slower while anything moves', async () => {
    const flags: string[] = JSON.parse(await readFile(join(import.meta.dirname, '../nix/node-flags.json'), 'utf8'))
    const url = pathToFileURL(join(import.meta.dirname, 'heap-pace.ts')).href
    const argv = [...flags, '--input-type=module', '--eval', program, url]
    const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 60_000 })
    const { before, late, after } = JSON.parse(stdout)
    assert.ok(late < before, `${late} collections while late, ${before} before`)
    assert.ok(after > late, `${after} collections afterwards, ${late} while late`)
  })
})
