/** Tests of what boot loaders start by default, with files as NixOS's builders leave them. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testStorePath } from '../../test/helpers/fleet.ts'
import { loaderDefault, loaderEntry } from './boot-loaders.ts'

const [one, two, three] = [testStorePath('one'), testStorePath('two'), testStorePath('three')]

async function machine(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-loader-'))
  t.after(() => rm(root, { recursive: true }))
  const file = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const entry = (name: string, generation: number, system: string, place = 'boot') =>
    file(
      `${place}/loader/entries/${name}`,
      `title NixOS\nsort-key nixos\nversion Generation ${generation} NixOS, built on 2026-07-14\nlinux /EFI/nixos/k.efi\ninitrd /EFI/nixos/i.efi\noptions init=${system}/init loglevel=4\nmachine-id 0123\n`,
    )
  return {
    root,
    file,
    entry,
    loader: (text: string, place = 'boot') => file(`${place}/loader/loader.conf`, `timeout 5\n${text}\neditor 0\n`),
    move: (from: string, to: string) =>
      rename(join(root, 'boot/loader/entries', from), join(root, 'boot/loader/entries', to)),
  }
}

describe("a boot loader's default", () => {
  it('is nothing without files of a loader', async t => {
    const { root, file } = await machine(t)
    assert.equal(await loaderDefault(root), undefined)
    await file('boot/loader/loader.conf', 'timeout 5\n')
    assert.equal(await loaderDefault(root), undefined)
  })

  it("is systemd-boot's entry, by the generation's number", async t => {
    const { root, entry, loader } = await machine(t)
    await entry('nixos-generation-1.conf', 1, one)
    await entry('nixos-generation-2.conf', 2, two)
    await loader('default nixos-generation-1.conf')
    assert.equal(await loaderDefault(root), one)
    await loader('default nixos-generation-2.conf')
    assert.equal(await loaderDefault(root), two)
  })

  it("is systemd-boot's entry by its hash, also where loader and entries lie on two partitions", async t => {
    const { root, entry, loader } = await machine(t)
    await entry('nixos-aa.conf', 1, one)
    await entry('nixos-bb.conf', 2, two)
    await loader('default nixos-aa.conf', 'efi')
    assert.equal(await loaderDefault(root), one)
  })

  it('follows boot counting: tries that are used up bring the newest entry that has some', async t => {
    const { root, entry, loader, move } = await machine(t)
    await entry('nixos-aa.conf', 9, one)
    await entry('nixos-bb.conf', 10, two)
    await entry('nixos-cc+3.conf', 11, three)
    await loader('preferred nixos-cc.conf\ndefault nixos-*')
    assert.equal(await loaderDefault(root), three)
    assert.deepEqual(await loaderEntry(root, three), { loader: 'systemd-boot', id: 'nixos-cc.conf' })
    await move('nixos-cc+3.conf', 'nixos-cc+1-2.conf')
    assert.equal(await loaderDefault(root), three)
    await move('nixos-cc+1-2.conf', 'nixos-cc+0-3.conf')
    assert.equal(await loaderDefault(root), two)
    await move('nixos-bb.conf', 'nixos-bb+0-3.conf')
    assert.equal(await loaderDefault(root), one)
    // All are bad: the newest, as systemd-boot does.
    await move('nixos-aa.conf', 'nixos-aa+0-3.conf')
    assert.equal(await loaderDefault(root), three)
  })

  it("goes by what bootctl has put into the firmware's variables before the file", async t => {
    const { root, entry, loader, file } = await machine(t)
    await entry('nixos-aa.conf', 1, one)
    await entry('nixos-bb.conf', 2, two)
    await loader('default nixos-bb.conf')
    const chosen = async (text: string) => {
      const utf16 = Buffer.from(`${text}\0`, 'utf16le').toString('latin1')
      const path = 'sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'
      await file(path, `\x07\0\0\0${utf16}`)
    }
    await chosen('nixos-aa.conf')
    assert.equal(await loaderDefault(root), one)
    for (const other of ['@saved', '']) {
      await chosen(other)
      assert.equal(await loaderDefault(root), two)
    }
  })

  it('is nothing where the entry is of another system, is gone, or was chosen in the menu', async t => {
    const { root, entry, loader, file } = await machine(t)
    await entry('nixos-aa.conf', 1, '/etc/shadow')
    for (const text of ['default nixos-aa.conf', 'default nixos-zz.conf', 'default @saved', 'default [']) {
      await loader(text)
      assert.equal(await loaderDefault(root), undefined, text)
    }
    await file('boot/loader/entries/nixos-aa.conf', 'title Another\nlinux /vmlinuz\noptions root=/dev/sda1\n')
    await loader('default nixos-aa.conf')
    assert.equal(await loaderDefault(root), undefined)
  })

  it("is extlinux's label", async t => {
    const { root, file } = await machine(t)
    const label = (name: string, system: string) =>
      `LABEL nixos-${name}\n  MENU LABEL NixOS\n  LINUX ../nixos/k\n  INITRD ../nixos/i\n  APPEND init=${system}/init loglevel=4\n`
    const conf = (wanted: string) =>
      `# Generated file\nDEFAULT nixos-${wanted}\n\nTIMEOUT 50\n${label('default', two)}\n${label('1-default', one)}`
    await file('boot/extlinux/extlinux.conf', conf('default'))
    assert.equal(await loaderDefault(root), two)
    await file('boot/extlinux/extlinux.conf', conf('1-default'))
    assert.equal(await loaderDefault(root), one)
    assert.deepEqual(await loaderEntry(root, one), { loader: 'extlinux', id: 'nixos-1-default' })
    await file('boot/extlinux/extlinux.conf', conf('7'))
    assert.equal(await loaderDefault(root), undefined)
  })

  it("is GRUB's entry, unless it is the one saved last", async t => {
    const { root, file } = await machine(t)
    const conf = (wanted: string) => `if [ "\${next_entry}" ]; then
  set default="\${next_entry}"
else
  set default=${wanted}
fi
menuentry "NixOS" --class nixos {
search --set=drive1 --fs-uuid 0123
  linux ($drive1)//kernels/k init=${two}/init loglevel=4
  initrd ($drive1)//kernels/i
}

submenu "NixOS - All configurations" --class submenu {
menuentry "NixOS - Configuration 1" --class nixos {
  linux ($drive1)//kernels/k init=${one}/init loglevel=4
}
}
`
    await file('boot/grub/grub.cfg', conf('0'))
    assert.equal(await loaderDefault(root), two)
    assert.deepEqual(await loaderEntry(root, two), { loader: 'grub', id: '0', once: true })
    assert.deepEqual(await loaderEntry(root, one), { loader: 'grub', id: '1>0', once: true })
    await file('boot/grub/grub.cfg', conf('0').replaceAll('next_entry', 'other'))
    assert.deepEqual(await loaderEntry(root, two), { loader: 'grub', id: '0', once: false })
    for (const wanted of [`"\${saved_entry}"`, '9']) {
      await file('boot/grub/grub.cfg', conf(wanted))
      assert.equal(await loaderDefault(root), undefined)
    }
  })

  it('is found in the files that the builders of NixOS write themselves', async t => {
    const { root, file } = await machine(t)
    const written = (name: string) => readFile(join(import.meta.dirname, '../../test/fixtures/nixos', name), 'utf8')
    const first = '/nix/store/0c2j9yzg8s1q5w7d3k6r4m8b1n0f5x2v-nixos-system-kiosk-25.05.1'
    const second = '/nix/store/1d3k0zah9v2r6x8f4l7s5n9c2p1g6y3w-nixos-system-kiosk-25.05.2'
    const safe = '/nix/store/2f4l1abj0v3s7y9g5m8z6p0d3q2h7w4x-nixos-system-kiosk-safe-25.05.2'
    await file('boot/grub/grub.cfg', await written('grub.cfg'))
    assert.equal(await loaderDefault(root), second)
    // A specialisation lies beside its generation, and makes a submenu of it where it is an older one.
    const places = { [second]: '0', [safe]: '1', [first]: '2>1' }
    for (const [system, id] of Object.entries(places)) {
      assert.deepEqual(await loaderEntry(root, system), { loader: 'grub', id, once: true })
    }
    await rm(join(root, 'boot/grub/grub.cfg'))
    await file('boot/extlinux/extlinux.conf', await written('extlinux.conf'))
    assert.equal(await loaderDefault(root), second)
    const labels = { [second]: 'nixos-default', [safe]: 'nixos-2-safe', [first]: 'nixos-1-default' }
    for (const [system, id] of Object.entries(labels)) {
      assert.deepEqual(await loaderEntry(root, system), { loader: 'extlinux', id })
    }
  })
})
