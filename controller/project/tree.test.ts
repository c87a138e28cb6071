/** Tests of the project's tree: what Git knows at one moment, whatever names, folders and checkouts it has. */

import assert from 'node:assert/strict'
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { cleanCommit, git } from './git.ts'
import { problemText } from './problem.ts'
import { withTree } from './tree.ts'
import { checkUnseen } from './unseen.ts'

async function repository(t: TestContext, name = 'ada@corp.example'): Promise<string> {
  const above = await realpath(await mkdtemp(join(tmpdir(), 'thymesh-tree-test-')))
  t.after(() => rm(above, { recursive: true }))
  const directory = join(above, name)
  await mkdir(directory)
  await git(directory, ['init', '--quiet'])
  for (const [key, value] of Object.entries({ 'user.name': 't', 'user.email': 't@localhost' }))
    await git(directory, ['config', key, value])
  return directory
}

async function write(directory: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
}

async function commit(directory: string, files: Record<string, string> = {}): Promise<string> {
  await write(directory, files)
  await git(directory, ['add', '-A'])
  await git(directory, ['commit', '--quiet', '-m', 'x'])
  return await cleanCommit({ directory })
}

const read = (directory: string, file: string) =>
  withTree({ directory }, async tree => await readFile(join(await tree.folder(), file), 'utf8'))
const hash = (directory: string) => withTree({ directory }, async tree => tree.hash())
const unseen = (directory: string) =>
  withTree({ directory }, async tree => (await checkUnseen(tree)).map(problemText).sort())

describe("a project's tree", () => {
  it('has edits of files that Git knows, no others, and no commit then', async t => {
    const directory = await repository(t, 'p 1')
    const first = await commit(directory, { 'modules/münze ü.nix': 'one', 'b "c"': '', gone: '' })
    await withTree({ directory }, async tree => assert.equal(tree.commit, first))
    const before = await hash(directory)
    await write(directory, { 'modules/münze ü.nix': 'two', stranger: '' })
    await rm(join(directory, 'gone'))
    await withTree({ directory }, async tree => {
      assert.equal(tree.commit, undefined)
      assert.deepEqual(await readdir(await tree.folder()), ['b "c"', 'modules'])
      assert.equal(await readFile(join(await tree.folder(), 'modules/münze ü.nix'), 'utf8'), 'two')
    })
    assert.notEqual(await hash(directory), before, 'names with umlauts count')
    assert.match((await git(directory, ['status', '--porcelain'])).join(), /^ D gone, M .*\?\? stranger$/)
    await git(directory, ['add', '--intent-to-add', 'stranger'])
    assert.equal(await read(directory, 'stranger'), '')
  })

  it('has an edit of the second of the commit, of the same size', async t => {
    const directory = await repository(t)
    // Like an edit and a commit within a second, without waiting for the right moment.
    await git(directory, ['config', 'core.trustctime', 'false'])
    const then = Math.floor(Date.now() / 1000) - 100
    const save = async (content: string) => {
      await writeFile(join(directory, 'file'), content)
      await utimes(join(directory, 'file'), then, then)
    }
    await save('one')
    await commit(directory)
    await save('two')
    await utimes(join(directory, '.git/index'), then, then)
    assert.equal(await read(directory, 'file'), 'two')
    await withTree({ directory }, async tree => assert.equal(tree.commit, undefined))
  })

  it('is that of one commit, whatever happens meanwhile', async t => {
    const directory = await repository(t)
    const first = await commit(directory, { file: 'one' })
    await withTree(
      { directory },
      async tree => {
        await commit(directory, { file: 'two' })
        await write(directory, { file: 'three' })
        assert.equal(await readFile(join(await tree.folder(), 'file'), 'utf8'), 'one')
        assert.equal(tree.commit, first)
      },
      { commit: first },
    )
  })

  it('may have files as they are to be', async t => {
    const directory = await repository(t)
    const first = await commit(directory, { 'below/file': 'one' })
    const changed = { file: 'two', 'new/one': '' }
    await withTree(
      { directory: join(directory, 'below') },
      async tree => {
        assert.deepEqual(
          tree.files.map(({ path }) => path),
          ['file', 'new/one'],
        )
        assert.equal(await readFile(join(await tree.folder(), 'file'), 'utf8'), 'two')
        assert.equal(tree.commit, undefined)
      },
      { commit: first, changed },
    )
    assert.deepEqual(await git(directory, ['status', '--porcelain']), [])
  })

  it('is found in shallow clones, work trees, folders below and by links', async t => {
    const directory = await repository(t)
    await commit(directory, { 'below/flake.nix': 'one', beside: '' })
    const head = await commit(directory, { 'below/flake.nix': 'two' })
    const at = (name: string) => join(dirname(directory), name)
    await git(directory, ['clone', '--quiet', '--depth', '1', `file://${directory}`, at('shallow')])
    await git(directory, ['worktree', 'add', '--quiet', '--detach', at('worktree')])
    await symlink(join(directory, 'below'), at('link'))
    for (const place of ['shallow/below', 'worktree/below', 'link']) {
      await withTree({ directory: at(place) }, async tree => {
        assert.equal(tree.commit, head, place)
        assert.deepEqual(await readdir(await tree.folder()), ['flake.nix'])
        assert.equal(await readFile(join(await tree.folder(), 'flake.nix'), 'utf8'), 'two')
      })
    }
    await write(directory, { beside: 'changed' })
    assert.equal(await cleanCommit({ directory: at('link') }), head, 'what lies beside the project is no matter')
  })

  it('is the same for all settings of Git, and leaves nothing behind', async t => {
    const directory = await repository(t)
    await commit(directory, { text: 'a\nb\n' })
    await symlink('text', join(directory, 'link'))
    await commit(directory)
    await git(directory, ['config', 'core.autocrlf', 'true'])
    const place = await withTree({ directory }, async tree => {
      assert.equal(await readFile(join(await tree.folder(), 'text'), 'utf8'), 'a\nb\n')
      assert.ok((await lstat(join(await tree.folder(), 'link'))).isSymbolicLink())
      return dirname(await tree.folder())
    })
    await assert.rejects(lstat(place), { code: 'ENOENT' })
  })
})

describe('what a release would lack', () => {
  it('is named: strangers, ignored data and artifacts, other repositories', async t => {
    const directory = await repository(t)
    const inner = await repository(t)
    await commit(inner, { tool: '' })
    await git(directory, ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'artifacts/tool'])
    await commit(directory, {
      '.gitignore': 'dist/\n/devices/second.json\n*.swp\n/configs/local.txt\n',
      'artifacts/site/index.html': '',
      'devices/first.json': '{}',
    })
    assert.deepEqual(await unseen(directory), [
      'artifacts/tool: is a Git repository of its own, of which a release has no files: add them to the project, or make it an input of flake.nix',
    ])
    await write(directory, {
      'artifacts/site/dist/app.js': '',
      'artifacts/site/.index.html.swp': '',
      'devices/second.json': '{}',
      'devices/dritter ü.json': '{}',
      'configs/local.txt': '',
    })
    assert.deepEqual((await unseen(directory)).slice(0, 1), [
      'artifacts/site/dist: is ignored by Git, so no release has it: move it elsewhere, or add it with git add --force artifacts/site/dist/',
    ])
    assert.deepEqual((await unseen(directory)).slice(2), [
      "devices/dritter ü.json: is not in Git, so Nix can't see it: git add devices/dritter ü.json",
      'devices/second.json: is ignored by Git, so no release has it: move it elsewhere, or add it with git add --force devices/second.json',
    ])
  })

  it('is whole in a sparse checkout, by commit and with edits', async t => {
    for (const cone of ['--cone', '--no-cone']) {
      const directory = await repository(t)
      const files = { 'configs/a.json': 'a', 'devices/one.json': 'one', 'modules/deep/m.nix': 'm', 'flake.nix': 'f' }
      const first = await commit(directory, files)
      await git(directory, ['sparse-checkout', 'set', cone, '--sparse-index', 'devices'])
      assert.deepEqual((await readdir(directory)).includes('configs'), false, 'the checkout is sparse')
      const whole = async (options: { commit?: string }) =>
        withTree({ directory, ...options }, async tree => {
          assert.equal(tree.commit, first)
          const folder = await tree.folder()
          const found = await Promise.all(Object.keys(files).map(name => readFile(join(folder, name), 'utf8')))
          assert.deepEqual(found, Object.values(files))
          return tree.hash()
        })
      assert.equal(await whole({}), await whole({ commit: first }))
      assert.deepEqual(await unseen(directory), [])
      await write(directory, { 'devices/one.json': 'two' })
      assert.equal(await read(directory, 'devices/one.json'), 'two')
      assert.equal(await read(directory, 'modules/deep/m.nix'), 'm')
    }
  })

  it('has what Git has of files whose edits Git is told not to see, and they are named', async t => {
    const directory = await repository(t)
    const files = { 'configs/ä.json': 'one', 'modules/b.nix': 'one', 'devices/c.json': 'same', 'notes.txt': 'one' }
    const first = await commit(directory, files)
    await git(directory, ['update-index', '--skip-worktree', 'configs/ä.json', 'devices/c.json'])
    await git(directory, ['update-index', '--assume-unchanged', 'modules/b.nix', 'notes.txt'])
    assert.deepEqual(await unseen(directory), [])
    await write(directory, { 'configs/ä.json': 'two', 'modules/b.nix': 'two', 'notes.txt': 'two' })
    await withTree({ directory }, async tree => {
      assert.equal(tree.commit, first)
      for (const [name, text] of Object.entries(files))
        assert.equal(await readFile(join(await tree.folder(), name), 'utf8'), text, name)
    })
    assert.deepEqual(await unseen(directory), [
      'configs/ä.json: differs from what Git has, and Git is told not to look at it: git update-index --no-skip-worktree configs/ä.json',
      'modules/b.nix: differs from what Git has, and Git is told not to look at it: git update-index --no-assume-unchanged modules/b.nix',
    ])
  })
})
