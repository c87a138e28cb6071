/** Tests of a check's result: the fleet as Nix evaluated it, so that builds and releases need no second evaluation. */

import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { requireSound } from './check.ts'
import { git } from './git.ts'
import { CheckError } from './problem.ts'
import { withTree } from './tree.ts'

/** A project, and a `nix` on the PATH that answers as told and writes down what it was asked. */
async function withFakeNix(t: TestContext, fleet: string) {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-check-'))
  const { PATH } = process.env
  t.after(async () => {
    process.env.PATH = PATH
    await rm(directory, { recursive: true })
  })
  const asked = join(directory, 'asked')
  const script = `#!/bin/sh
for last; do :; done
echo "$1 \${last#*#}" >> ${asked}
case "$last" in *#thymesh.fleet) printf '%s' '${fleet}';; *) echo '{}';; esac
`
  const stored = `/nix/store/${'0'.repeat(32)}-source`
  for (const [name, text] of Object.entries({ nix: script, 'nix-store': `#!/bin/sh\necho ${stored}\n` })) {
    await writeFile(join(directory, name), text)
    await chmod(join(directory, name), 0o755)
  }
  process.env.PATH = `${directory}:${PATH}`
  const project = join(directory, 'project')
  await git(directory, ['init', '--quiet', project])
  const check = () => withTree({ directory: project }, tree => requireSound(tree, { cache: join(directory, 'cache') }))
  return { check, asked: async () => (await readFile(asked, 'utf8')).trim().split('\n') }
}

describe('a project that is right', () => {
  it('is evaluated once, and the check holds what it declares', async t => {
    const declared = '{"configs":{"web":{"system":"x86_64-linux","target":"portable"}},"devices":{}}'
    const { check, asked } = await withFakeNix(t, declared)
    const { fleet } = await check()
    assert.deepEqual(Object.keys(fleet.configs), ['web'])
    assert.deepEqual(await asked(), ['eval thymesh.modules', 'eval thymesh.fleet'])
  })
})

describe('a project whose flake gives something else', () => {
  it('is a problem of flake.nix that names the key', async t => {
    const { check } = await withFakeNix(t, '{"configs":{},"devices":{"one":{}}}')
    await assert.rejects(check(), (thrown: CheckError) => {
      assert.ok(thrown instanceof CheckError)
      assert.match(thrown.message, /^flake\.nix: declares no valid fleet: .*devices/)
      return true
    })
  })
})
