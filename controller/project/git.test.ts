/** Tests of commits in the project's folder: of the files that are named alone, and without a trace where Git refuses them. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { commitFiles } from './git.ts'

describe('commits of files', () => {
  async function repository(t: TestContext) {
    const directory = await testDirectory(t)
    const git = (...args: string[]) => execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })
    const write = async (file: string, text: string) => await writeFile(join(directory, file), text)
    git('init', '--quiet', '--initial-branch=main')
    git('config', 'user.name', 'Ada')
    git('config', 'user.email', 'ada@example.org')
    for (const file of ['a.txt', 'b.txt']) await write(file, 'old\n')
    git('add', '.')
    git('commit', '--quiet', '-m', 'first')
    return { directory, git, write, status: () => git('status', '--porcelain').trimEnd().split('\n') }
  }

  it('take new, changed and removed files, and a name as no pattern', async t => {
    const { directory, write, status } = await repository(t)
    await write(':!a', 'a name\n')
    await write('new.md', 'new\n')
    await write('b.txt', 'changed\n')
    await commitFiles(directory, [':!a', 'new.md'], 'two')
    assert.deepEqual(status(), [' M b.txt'])
    await rm(join(directory, 'a.txt'))
    await commitFiles(directory, ['a.txt'], 'one removed')
    assert.deepEqual(status(), [' M b.txt'])
  })

  it('leave the index as it was where a hook refuses them, what is staged included', async t => {
    const { directory, git, write, status } = await repository(t)
    await write('.git/hooks/pre-commit', '#!/bin/sh\nexit 1\n')
    await chmod(join(directory, '.git/hooks/pre-commit'), 0o755)
    await write('a.txt', 'staged\n')
    git('add', 'a.txt')
    await write('a.txt', 'and more\n')
    await write('new.md', 'new\n')
    await assert.rejects(commitFiles(directory, ['a.txt', 'new.md'], 'two'), { code: 'git-failed' })
    assert.deepEqual(status(), ['MM a.txt', '?? new.md'])
    assert.equal(git('show', ':a.txt'), 'staged\n')
  })

  it('take nothing out of a merge that waits for its commit', async t => {
    const { directory, git, write, status } = await repository(t)
    git('checkout', '--quiet', '-b', 'other')
    await write('a.txt', 'of the other\n')
    await write('new.txt', 'of the other\n')
    git('add', '.')
    git('commit', '--quiet', '-m', 'other')
    git('checkout', '--quiet', 'main')
    git('merge', '--quiet', '--no-ff', '--no-commit', 'other')
    const before = status()
    await assert.rejects(commitFiles(directory, ['a.txt', 'new.txt'], 'two'), { code: 'git-failed' })
    assert.deepEqual(status(), before)
  })
})
