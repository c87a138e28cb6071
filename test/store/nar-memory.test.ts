/** A path of many small files costs a serving device little memory. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('20,000 files take less than 64 MB while they are served', { timeout: 900_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'nar-memory.ts'), '20000'])
  const { aboveIdle, table } = JSON.parse(stdout) as { aboveIdle: number; table: number }
  assert.ok(table < 20_000 * 80, `a table of ${table} bytes`)
  assert.ok(aboveIdle < 64e6, `${aboveIdle} bytes above idle`)
})
