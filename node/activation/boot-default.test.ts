/** Tests of what boots next, by the files that a boot goes by. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testStorePath } from '../../test/helpers/fleet.ts'
import { bootDefault } from './boot-default.ts'

const [one, two] = [testStorePath('one'), testStorePath('two')]

async function machine(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-boot-'))
  t.after(() => rm(root, { recursive: true }))
  const place = async (path: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    return join(root, path)
  }
  return {
    root,
    link: async (path: string, target: string) => symlink(target, await place(path)),
    file: async (path: string, text: string) => writeFile(await place(path), text),
  }
}

describe('what boots next', () => {
  it('is the link of the portable target', async t => {
    const { root, link } = await machine(t)
    assert.equal(await bootDefault('portable', root), undefined)
    await link('etc/thymesh/boot', one)
    assert.equal(await bootDefault('portable', root), one)
  })

  it('is nothing when the link leads elsewhere', async t => {
    const { root, link } = await machine(t)
    await link('etc/thymesh/boot', '/etc/shadow')
    assert.equal(await bootDefault('portable', root), undefined)
  })

  it("is what NixOS's boot loader starts, and its profile where the loader's files don't say", async t => {
    const { root, link, file } = await machine(t)
    await link('nix/var/nix/profiles/system', 'system-2-link')
    await link('nix/var/nix/profiles/system-2-link', two)
    assert.equal(await bootDefault('nixos', root), two)
    await file('boot/loader/loader.conf', 'timeout 5\ndefault nixos-generation-1.conf\n')
    await file('boot/loader/entries/nixos-generation-1.conf', `title NixOS\noptions init=${one}/init loglevel=4\n`)
    assert.equal(await bootDefault('nixos', root), one)
    await file('boot/loader/loader.conf', 'default @saved\n')
    assert.equal(await bootDefault('nixos', root), two)
  })
})
