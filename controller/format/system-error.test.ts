/** Tests for what the system refuses. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { ThymeshError } from '../../protocol/errors.ts'
import { explained, SystemError } from './system-error.ts'

async function refusal(path: string): Promise<unknown> {
  return explained(await readFile(path).catch(thrown => thrown))
}

describe('what the system refuses', () => {
  it('is said in words, with the path and what to do', async () => {
    const missing = await refusal('/nowhere/card')
    assert.ok(missing instanceof SystemError)
    assert.equal(missing.message, '/nowhere/card: there is no such file or folder')
    assert.equal(missing.code, 'not-there')
    assert.ok(missing.hint)
    const folder = await refusal('/')
    assert.ok(folder instanceof SystemError)
    assert.match(folder.message, /expected a file, got a folder/)
  })

  it('is told of a full disk, which has no path', () => {
    const full = explained(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
    assert.ok(full instanceof SystemError)
    assert.deepEqual([full.code, full.message], ['disk-full', 'no space is left on the disk'])
  })

  it('leaves all other errors as they are', () => {
    const errors = [
      new Error('a fault'),
      new ThymeshError('x', 'y'),
      Object.assign(new Error('z'), { code: 'ERR_Z' }),
      1,
    ]
    for (const error of errors) assert.equal(explained(error), error)
  })
})
