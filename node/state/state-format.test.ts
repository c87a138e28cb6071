/** The number of the state's format. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { openState } from './peer-state.ts'

it('a state of a later format is not opened', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-format-'))
  t.after(() => rm(directory, { recursive: true }))
  const settings = { state: directory, clock: 'system' } as const
  const open = async () => await (await openState(settings)).database.close()
  await open()
  for (const format of ['1\n', '1']) {
    await writeFile(join(directory, 'format'), format)
    await open()
  }
  for (const format of ['2\n', '', 'one']) {
    await writeFile(join(directory, 'format'), format)
    await assert.rejects(open(), { code: 'newer-state' })
  }
})
