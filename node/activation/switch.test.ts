/** Tests of what is asked of a top level's own switch-to-configuration. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { silentLogger } from '../../test/helpers/log.ts'
import { next, old } from '../../test/helpers/simulated-life.ts'
import type { JournalEntry } from './journal-entry.ts'
import { Switcher } from './switch.ts'

it('counts the boots of what is committed, and none of the old generation when the commit is taken back', async t => {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-switch-'))
  t.after(() => rm(root, { recursive: true }))
  const calls = join(root, 'calls')
  for (const path of [old, next]) {
    const program = `#!/bin/sh\necho ${path === old ? 'old' : 'new'} "$1" tries="$THYMESH_BOOT_TRIES" >>${calls}\n`
    await mkdir(join(root, path, 'bin'), { recursive: true })
    await writeFile(join(root, path, 'bin/switch-to-configuration'), program, { mode: 0o755 })
  }
  await mkdir(join(root, 'etc/thymesh'), { recursive: true })
  await symlink(next, join(root, 'etc/thymesh/boot'))
  const store = { realPath: (path: string) => join(root, path), setProfile: async () => '' }
  const switcher = new Switcher({ store, log: silentLogger }, { root })
  const entry = { target: 'portable', new: next, old } as JournalEntry
  await switcher.commit(entry)
  await switcher.undoCommit(entry)
  const lines = (await readFile(calls, 'utf8')).trim().split('\n')
  assert.deepEqual(lines, ['new boot tries=3', 'old boot tries='])
})
