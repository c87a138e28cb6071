/** Tests of output that can't be written: the whole program, with a reader that leaves and with a full disk. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

const program = join(import.meta.dirname, '../../main.ts')

test('output: a full disk under it is an error', async () => {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [program, '--help'], { stdio: ['ignore', full, 'pipe'] })
  closeSync(full)
  assert.ok(child.stderr)
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  assert.equal(code, 1)
  assert.match(said, /^error: standard output can't be written: no space is left on the disk\n/)
})

test('output: a reader that has left ends the command quietly, with its own exit code', async () => {
  for (const [args, expected] of [
    [['--help'], 0],
    [['status', '--project', '/nowhere', '--json'], 1],
  ] as const) {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    assert.deepEqual([said, code], ['', expected])
  }
})
