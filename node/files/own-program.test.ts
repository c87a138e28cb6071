/** The program that the daemon writes runs what this process is, with its own words first. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { writeOwnProgram } from './own-program.ts'

it('a written program is for its owner only, and quotes what it runs', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'thymesh-own-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'bin', 'thymesh')
  await writeOwnProgram(file, 'For a test', ["it's", 'two words'])
  assert.equal((await stat(file)).mode & 0o777, 0o700)
  const text = await readFile(file, 'utf8')
  // The words as a shell reads them, without running them.
  const words = execFileSync('sh', ['-c', text.replace(/^exec /m, "printf '%s\\n' "), 'sh', 'more'], {
    encoding: 'utf8',
  })
  assert.equal(words.split('\n')[0], process.execPath)
  assert.deepEqual(words.trim().split('\n').slice(-3), ["it's", 'two words', 'more'])
})
