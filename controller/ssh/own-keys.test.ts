/** The operator's own keys where none is named: one that no grant can name hides none of the others. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { publicKeys } from './own-keys.ts'

const kind = 'ssh-ed25519'
const blob = Buffer.concat([
  Buffer.from([0, 0, 0, kind.length]),
  Buffer.from(kind),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 7),
])
const good = `${kind} ${blob.toString('base64')}`

describe("the operator's keys", () => {
  it('are those of ~/.ssh that can be granted access; a named one that can not is an error', async t => {
    const home = await mkdtemp(join(tmpdir(), 'thymesh-keys-'))
    const { HOME, SSH_AUTH_SOCK } = process.env
    process.env.HOME = home
    delete process.env.SSH_AUTH_SOCK
    t.after(async () => {
      Object.assign(process.env, { HOME, ...(SSH_AUTH_SOCK && { SSH_AUTH_SOCK }) })
      await rm(home, { recursive: true })
    })
    await mkdir(join(home, '.ssh'))
    const old = join(home, '.ssh/id_dsa.pub')
    await writeFile(old, 'ssh-dss AAAAB3NzaC1kc3M= ada\n')
    await writeFile(join(home, '.ssh/id_ed25519.pub'), `${good} ada\n`)
    assert.deepEqual(await publicKeys([]), [{ line: good, file: undefined }])
    await assert.rejects(publicKeys([old]), { code: 'invalid-key' })
  })
})
