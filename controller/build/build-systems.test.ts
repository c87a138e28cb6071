/** For which systems a machine builds, by the settings of its Nix. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { buildSystems, unbuildable } from './build-systems.ts'

/** With these lines in nix.conf and in a file of builders. */
async function systems(t: TestContext, config: (machines: string) => string, machines = ''): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'builders-'))
  const before = process.env.NIX_CONFIG
  t.after(async () => {
    if (before === undefined) delete process.env.NIX_CONFIG
    else process.env.NIX_CONFIG = before
    await rm(folder, { recursive: true })
  })
  const file = join(folder, 'machines')
  await writeFile(file, machines)
  process.env.NIX_CONFIG = `system = x86_64-linux\nextra-platforms = i686-linux\n${config(file)}`
  return [...((await buildSystems())?.all ?? [])].toSorted()
}

const own = ['i686-linux', 'x86_64-linux']

describe('this machine', () => {
  it('builds for its own systems where no builder is named', async t => {
    assert.deepEqual(await systems(t, () => 'builders ='), own)
    assert.deepEqual(await systems(t, () => 'builders = @/nowhere/machines'), own)
  })

  it('builds for those of its builders, by a line or a file', async t => {
    const line = 'builders = ssh://a aarch64-linux,armv7l-linux - 4 ; ssh://b - - 1'
    assert.deepEqual(await systems(t, () => line), ['aarch64-linux', 'armv7l-linux', ...own].toSorted())
    const file = '# ours\nssh://c riscv64-linux # fast\n\n'
    assert.deepEqual(
      await systems(t, machines => `builders = @${machines}`, file),
      ['riscv64-linux', ...own].toSorted(),
    )
  })

  it('ends at a file of builders that names itself', async t => {
    const builders = (machines: string) => `builders = @${machines}`
    const before = await systems(t, builders)
    const file = /@(\S+)/.exec(process.env.NIX_CONFIG ?? '')?.[1] ?? ''
    await writeFile(file, `@${file}\nssh://d armv6l-linux\n`)
    assert.deepEqual([...((await buildSystems())?.all ?? [])].toSorted(), ['armv6l-linux', ...before].toSorted())
  })
})

it('names the configs that nothing builds', () => {
  const configs = { web: { system: 'x86_64-linux' }, pi: { system: 'aarch64-linux' } }
  assert.deepEqual(unbuildable(configs, new Set(own)), [{ config: 'pi', system: 'aarch64-linux' }])
  assert.deepEqual(unbuildable(configs, new Set([...own, 'aarch64-linux'])), [])
})
