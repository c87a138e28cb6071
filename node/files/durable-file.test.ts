/** Durable files: whole, with their mode, and no draft is left behind. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createFile, replaceFile, replaceLink } from './durable-file.ts'

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'thymesh-durable-file-'))
  t.after(() => rm(made, { recursive: true, force: true }))
  return made
}

const modeOf = async (file: string) => (await stat(file)).mode & 0o777

describe('replaceFile', () => {
  it('writes in place of what is there, with the mode that it is given', async t => {
    const directory = await folder(t)
    const file = join(directory, 'a')
    await replaceFile(file, 'first')
    assert.equal(await modeOf(file), 0o600)
    await replaceFile(file, Buffer.from('second'), { mode: 0o640 })
    assert.equal(await readFile(file, 'utf8'), 'second')
    assert.equal(await modeOf(file), 0o640)
    assert.deepEqual(await readdir(directory), ['a'])
  })

  it('writes over what an earlier attempt left', async t => {
    const directory = await folder(t)
    await writeFile(join(directory, 'a.new'), 'half of a much longer text', { mode: 0o644 })
    await replaceFile(join(directory, 'a'), 'whole')
    assert.equal(await readFile(join(directory, 'a'), 'utf8'), 'whole')
    assert.equal(await modeOf(join(directory, 'a')), 0o600)
    assert.deepEqual(await readdir(directory), ['a'])
  })

  it('leaves no draft when it fails', async t => {
    const directory = await folder(t)
    await mkdir(join(directory, 'a', 'b'), { recursive: true })
    await assert.rejects(replaceFile(join(directory, 'a'), 'text', { draft: join(directory, 'draft') }), {
      code: 'EISDIR',
    })
    assert.deepEqual(await readdir(directory), ['a'])
    await assert.rejects(replaceFile(join(directory, 'none', 'a'), 'text'), { code: 'ENOENT' })
  })
})

describe('createFile', () => {
  it('never writes over another', async t => {
    const directory = await folder(t)
    const file = join(directory, 'a')
    await createFile(file, 'first')
    await assert.rejects(createFile(file, 'second'), { code: 'EEXIST' })
    assert.equal(await readFile(file, 'utf8'), 'first')
    assert.equal(await modeOf(file), 0o600)
    assert.deepEqual(await readdir(directory), ['a'])
  })
})

describe('replaceLink', () => {
  it('points to the new target, also over what an earlier attempt left', async t => {
    const directory = await folder(t)
    const link = join(directory, 'link')
    await writeFile(`${link}.new`, '')
    await replaceLink(link, 'first')
    await replaceLink(link, 'second')
    assert.equal(await readlink(link), 'second')
    assert.deepEqual(await readdir(directory), ['link'])
  })

  it('leaves no draft when it fails', async t => {
    const directory = await folder(t)
    await mkdir(join(directory, 'link'))
    await assert.rejects(replaceLink(join(directory, 'link'), 'target'), { code: 'EISDIR' })
    assert.deepEqual(await readdir(directory), ['link'])
  })
})
