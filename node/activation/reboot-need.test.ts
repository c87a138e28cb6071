/** What of a generation only a boot brings, by the files of top levels. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readAtBoot, rebootNeed } from './reboot-need.ts'

const hash = (letter: string) => letter.repeat(32)
const store = (letter: string, name: string) => ({ link: `/nix/store/${hash(letter)}-${name}` })
type Files = Record<string, string | { link: string }>

const nixos = (files: Files = {}): Files => ({
  kernel: store('a', 'linux-6.12/bzImage'),
  initrd: store('a', 'initrd/initrd'),
  'kernel-modules': store('a', 'linux-modules'),
  'kernel-params': 'quiet\n',
  systemd: store('a', 'systemd-258.1'),
  'switch-inhibitors': '{"dbus":"broker"}',
  ...files,
})

async function generations(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-need-'))
  t.after(() => rm(directory, { recursive: true }))
  return async (name: string, files: Files): Promise<string> => {
    for (const [path, content] of Object.entries(files)) {
      const file = join(directory, name, path)
      await mkdir(dirname(file), { recursive: true })
      if (typeof content === 'string') await writeFile(file, content)
      else await symlink(content.link, file)
    }
    return join(directory, name)
  }
}

describe('a reboot is needed', () => {
  const cases: [what: string, changed: Files, reason: string | undefined, refuses: boolean][] = [
    ['nothing', {}, undefined, false],
    ['another kernel', { kernel: store('b', 'linux-6.12/bzImage') }, 'the kernel changed', false],
    ['another initrd', { initrd: store('b', 'initrd/initrd') }, 'the initrd changed', false],
    ['kernel parameters', { 'kernel-params': 'quiet mitigations=off\n' }, "the kernel's parameters changed", false],
    ['modules', { 'kernel-modules': store('b', 'linux-modules') }, "the kernel's modules changed", false],
    ['a rebuilt systemd', { systemd: store('b', 'systemd-258.1') }, undefined, false],
    ['a newer systemd', { systemd: store('b', 'systemd-259') }, "systemd's version changed", false],
    ['an inhibitor', { 'switch-inhibitors': '{"dbus":"dbus"}' }, 'the switch inhibitor dbus changed', true],
    ['a new inhibitor', { 'switch-inhibitors': '{"dbus":"broker","more":"x"}' }, undefined, false],
    ['inhibitors that no one can read', { 'switch-inhibitors': '[' }, undefined, false],
  ]
  for (const [what, changed, reason, refusesSwitch] of cases) {
    it(`on NixOS by ${what}: ${reason ?? 'no'}`, async t => {
      const make = await generations(t)
      const running = await make('running', nixos())
      const need = await rebootNeed('nixos', { booted: running, running, next: await make('next', nixos(changed)) })
      assert.deepEqual(need, reason && { reason, refusesSwitch })
    })
  }

  it('on NixOS by what was booted, whatever was switched to since', async t => {
    const make = await generations(t)
    const booted = await make('booted', nixos())
    const running = await make('running', nixos({ kernel: store('b', 'linux-6.13/bzImage') }))
    const next = await make('next', nixos({ kernel: store('b', 'linux-6.13/bzImage') }))
    assert.equal((await rebootNeed('nixos', { booted, running, next }))?.reason, 'the kernel changed')
    assert.equal(await rebootNeed('nixos', { booted, running, next: booted }), undefined)
  })

  it('on the portable target by files that are read at boot', async t => {
    const make = await generations(t)
    const portable = (text: string) => ({
      'thymesh/etc-files': 'hello\nmodprobe.d/lab.conf\n',
      'etc/hello': text,
      'etc/modprobe.d/lab.conf': `options loop max_loop=${text}\n`,
    })
    const one = await make('one', portable('1'))
    const bare = await make('bare', { 'thymesh/etc-files': 'hello\n', 'etc/hello': '1' })
    const need = (running: string, next: string) => rebootNeed('portable', { booted: running, running, next })
    assert.equal(await need(one, await make('same', { ...portable('1'), 'etc/hello': '2' })), undefined)
    const changed = { reason: '/etc/modprobe.d changed', refusesSwitch: false }
    assert.deepEqual(await need(one, await make('two', portable('2'))), changed)
    assert.deepEqual(await need(one, bare), changed)
    assert.deepEqual(await need(bare, one), changed)
  })

  it('by the folders that the portable target names too', async () => {
    const early = await readFile(join(import.meta.dirname, '../../nix/portable/switch/early.sh'), 'utf8')
    assert.deepEqual(/^at_boot='(.*)'$/m.exec(early)?.[1]?.split(' '), [...readAtBoot])
  })
})
