/** Tests of who uses what where modules can't be read: what isn't known is no use, and no lack of one. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { it } from 'node:test'
import { HintedError } from '../../protocol/errors.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { readProjectFiles } from './files.ts'
import { mentionUsers } from './uses.ts'

it("an input that can't be fetched leaves open who uses an artifact, and says why", async t => {
  const directory = await testDirectory(t)
  const modules = { shop: { logo: 'brand/logo.txt', texts: [{ file: 'plan.txt' }], port: 80 } }
  const files = { 'configs/shop.json': { modules }, 'devices/one.json': { config: 'shop' } }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), JSON.stringify(content))
  }
  execFileSync('git', ['init', '--quiet'], { cwd: directory })
  execFileSync('git', ['add', '.'], { cwd: directory })
  const { users, unread } = await mentionUsers('artifact', directory, await readProjectFiles(directory), {
    cache: join(directory, 'cache'),
    fetchInputs: async () => {
      throw new HintedError('input-failed', 'the input tools needs a secret', { hint: 'Give it one.' })
    },
  })
  assert.equal(unread, 'flake.nix: the input tools needs a secret')
  assert.deepEqual(Object.fromEntries(users), {
    'brand/logo.txt': { places: [], devices: [], maybe: ['configs/shop.json (modules.shop.logo)'] },
    'plan.txt': { places: [], devices: [], maybe: ['configs/shop.json (modules.shop.texts.0.file)'] },
  })
})
