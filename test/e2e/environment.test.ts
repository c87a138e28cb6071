/** Tests of the environment of child programs: they get no passphrase, and can't dump the memory of a command with keys. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'

const repository = join(import.meta.dirname, '../..')

it('keeps the passphrase from git, and dumps no core', { timeout: 900_000 }, async t => {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-environment-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const seen = join(directory, 'seen')
  // Stands before the real git on the path, notes what it gets, and goes on as git.
  const git = join(directory, 'git')
  const real = (await promisify(execFile)('sh', ['-c', 'command -v git'])).stdout.trim()
  await writeFile(git, `#!/bin/sh\n{ env; echo "core=$(ulimit -c)"; } >>"${seen}"\nexec "${real}" "$@"\n`)
  await chmod(git, 0o755)
  const env = {
    ...process.env,
    PATH: `${directory}:${process.env.PATH}`,
    THYMESH_HOME: join(directory, 'home'),
    THYMESH_PASSPHRASE: 'five random words for keys',
  }
  const init = ['init', join(directory, 'fleet'), '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
  await promisify(execFile)(join(repository, 'scripts/thymesh'), init, { env, timeout: 110_000 })
  const text = await readFile(seen, 'utf8')
  assert.match(text, /^core=0$/m)
  assert.doesNotMatch(text, /five random words|THYMESH_PASSPHRASE/)
})
