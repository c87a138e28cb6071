/** Tests of the clock that the lab can move. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { systemTime } from './system-time.ts'

it('the time is off by what the file says, and right without one', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-clock-'))
  t.after(async () => {
    delete process.env.THYMESH_CLOCK_FILE
    await rm(directory, { recursive: true })
  })
  // Adding 0 makes one of both zeros.
  const offHours = () => Math.round((systemTime().getTime() - Date.now()) / 3_600_000) + 0
  assert.equal(offHours(), 0)
  process.env.THYMESH_CLOCK_FILE = join(directory, 'clock')
  assert.equal(offHours(), 0)
  await writeFile(join(directory, 'clock'), '-7200')
  assert.equal(offHours(), -2)
  await writeFile(join(directory, 'clock'), 'soon')
  assert.equal(offHours(), 0)
})
