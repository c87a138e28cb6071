/** The checks of a machine, each where all is well and where it is not, on files as Linux has them. */

import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Check } from './check.ts'
import { checkMachine, type Machine } from './checks.ts'

const now = new Date('2026-03-01T12:00:00Z')
const limitsOf = (core: string) => `Limit                     Soft Limit           Hard Limit           Units     
Max core file size        ${core}                    unlimited            bytes     
`
const swaps = (...lines: string[]) => ['Filename\t\tType\t\tSize\tUsed\tPriority', ...lines, ''].join('\n')

/** A machine where all is well, but for these files. */
async function machine(t: TestContext, files: Record<string, string> = {}, init: Partial<Machine> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-machine-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const all = { 'proc/swaps': swaps(), 'proc/self/limits': limitsOf('0'), 'home/a/keys/root.key': '', ...files }
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text, { mode: 0o600 })
    await utimes(join(root, name), now, now)
  }
  for (const folder of ['home', 'home/a', 'home/a/keys']) await utimes(join(root, folder), now, now)
  const nixVersion = async () => 'nix (Nix) 2.8.1\n'
  return { root, folders: [join(root, 'home'), join(root, 'none')], now, nixVersion, ...init }
}

/** What is wrong on it. */
async function wrongOn(given: Machine): Promise<[Check['check'], string][]> {
  const checks = await checkMachine(given)
  assert.deepEqual(
    checks.map(({ check }) => check),
    ['swap', 'core-dumps', 'key-files', 'clock', 'nix'],
  )
  for (const { ok, hint } of checks) assert.equal(hint === null, ok)
  return checks.filter(({ ok }) => !ok).map(({ check, message }) => [check, message])
}

describe('the checks of a machine', () => {
  it('find nothing where all is well', async t => {
    assert.deepEqual(await wrongOn(await machine(t)), [])
  })

  it('name swap on a plain disk and in a file on one', async t => {
    const given = await machine(t, {
      'proc/swaps': swaps('/dev/sda2   partition 999 0 -2', '/var/swap\\040file  file  999 0 -3'),
      'var/swap file': '',
    })
    const [[check, message] = ['', '']] = await wrongOn(given)
    assert.equal(check, 'swap')
    assert.match(message, /not encrypted: \/dev\/sda2, \/var\/swap file;/)
  })

  it('pass over swap in memory and over encryption, below LVM too', async t => {
    const given = await machine(t, {
      'proc/swaps': swaps('/dev/zram0 partition 9 0 5', '/dev/dm-1 partition 9 0 -2', '/dev/dm-2 partition 9 0 -3'),
      'sys/class/block/zram0/backing_dev': 'none\n',
      'sys/class/block/dm-1/dm/uuid': 'CRYPT-PLAIN-swap\n',
      'sys/class/block/dm-2/dm/uuid': 'LVM-x\n',
      'sys/class/block/dm-2/slaves/dm-0/dm/uuid': 'a link in reality',
      'sys/class/block/dm-0/dm/uuid': 'CRYPT-LUKS2-y\n',
    })
    assert.deepEqual(await wrongOn(given), [])
  })

  it('name zram that writes back to a disk, and LVM with one plain disk below', async t => {
    const given = await machine(t, {
      'proc/swaps': swaps('/dev/zram0 partition 9 0 5', '/dev/dm-2 partition 9 0 -3'),
      'sys/class/block/zram0/backing_dev': '/dev/sda3\n',
      'sys/class/block/dm-2/dm/uuid': 'LVM-x\n',
      'sys/class/block/dm-2/slaves/dm-0/x': '',
      'sys/class/block/dm-2/slaves/sdb1/x': '',
      'sys/class/block/dm-0/dm/uuid': 'CRYPT-LUKS2-y\n',
    })
    const [[, message] = ['', '']] = await wrongOn(given)
    assert.match(message, /: \/dev\/zram0, \/dev\/dm-2;/)
  })

  it('name a limit that lets cores be dumped', async t => {
    const given = await machine(t, { 'proc/self/limits': limitsOf('unlimited') })
    const found = await wrongOn(given)
    assert.deepEqual(found, [
      ['core-dumps', 'expected a limit of 0 bytes for core dumps, got unlimited: a crash would write keys to the disk'],
    ])
  })

  it('name key files that others may read', async t => {
    const given = await machine(t, { 'home/b/identity.key': '' })
    const file = join(given.root, 'home/b/identity.key')
    await utimes(join(given.root, 'home/b'), now, now)
    await chmod(file, 0o640)
    assert.deepEqual(await wrongOn(given), [['key-files', `expected key files of mode 0600, got ${file} (0640)`]])
  })

  it('name a clock that is behind a key file', async t => {
    const given = await machine(t, {}, { now: new Date('2020-01-01T00:00:00Z') })
    const found = await wrongOn(given)
    assert.equal(found.length, 1)
    assert.match(
      found[0]?.[1] ?? '',
      /^the clock says 2020-01-01T00:00:00Z, and .* was written on 2026-03-01T12:00:00Z$/,
    )
  })

  it('name a Nix that is too old or missing', async t => {
    const old = await machine(t, {}, { nixVersion: async () => 'nix (Nix) 2.7.0\n' })
    assert.deepEqual(await wrongOn(old), [['nix', 'expected Nix 2.8 or newer, got 2.7']])
    const none = await machine(t, {}, { nixVersion: () => Promise.reject(new Error('ENOENT')) })
    assert.deepEqual(await wrongOn(none), [['nix', 'expected Nix 2.8 or newer, found none']])
  })
})
