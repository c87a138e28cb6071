/** A check of a signature ends, whatever the program does that reads it. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { isProof } from './key-proof.ts'

it('a program that hangs, and hears no signal, is ended after its time: that is no proof', async t => {
  const folder = await testDirectory(t)
  await writeFile(join(folder, 'ssh-keygen'), "#!/bin/sh\ntrap '' TERM\nwhile :; do :; done\n", { mode: 0o755 })
  const before = process.env.PATH
  t.after(() => {
    process.env.PATH = before
  })
  process.env.PATH = `${folder}:${before}`
  const about = { fleet: 'f', device: 'd', controller: 'c', user: 'root', challenge: new Uint8Array(32) }
  assert.equal(await isProof('ssh-ed25519 AAAA', about, 'none', { timeoutMs: 200 }), false)
})
