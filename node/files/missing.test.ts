/** Tests of missing files: no file, or no folder on the way to it; nothing else. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { exists, isMissing, unlessMissing } from './missing.ts'

it('tells a file that is not there from one that can not be read', async () => {
  const here = import.meta.filename
  assert.match((await unlessMissing(readFile(here, 'utf8'))) ?? '', /unlessMissing/)
  assert.equal(await unlessMissing(readFile(`${here}.none`)), undefined)
  assert.equal(await unlessMissing(readFile(join(here, 'below a file'))), undefined)
  await assert.rejects(unlessMissing(readFile(import.meta.dirname)), { code: 'EISDIR' })
  assert.equal(isMissing(new Error('ENOENT')), false)
  assert.equal(isMissing(undefined), false)
  assert.deepEqual(await Promise.all([exists(here), exists(`${here}.none`)]), [true, false])
})
