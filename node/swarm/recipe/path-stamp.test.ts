/** Tests of stamps: they change with every write to a path, and with nothing else. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { stampOf, stampOfSync } from './path-stamp.ts'

async function tree(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-stamp-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'bin'))
  await writeFile(join(root, 'bin/tool'), 'one')
  await symlink('bin/tool', join(root, 'link'))
  return root
}

test('a stamp stays while files are only read', async t => {
  const root = await tree(t)
  const stamp = await stampOf(root)
  await readFile(join(root, 'bin/tool'))
  assert.deepEqual(await stampOf(root), stamp)
  assert.deepEqual(stampOfSync(root), stamp)
})

test('a stamp changes with a write of the same length, also if the times are set back', async t => {
  const root = await tree(t)
  const file = join(root, 'bin/tool')
  const before = await stat(file)
  const stamp = await stampOf(root)
  await writeFile(file, 'two')
  await utimes(file, before.atime, before.mtime)
  assert.notDeepEqual(await stampOf(root), stamp)
})

test('a stamp changes when a file goes, and there is none of a path that is gone', async t => {
  const root = await tree(t)
  const stamp = await stampOf(root)
  await rm(join(root, 'link'))
  assert.notDeepEqual(await stampOf(root), stamp)
  for (const none of [await stampOf(join(root, 'none')), stampOfSync(join(root, 'none'))]) assert.equal(none, undefined)
})
