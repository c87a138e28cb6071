/** The root of a trial's machine: nothing of this computer's settings and people is in it. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { makeRoot, requireBootable } from './root.ts'

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'thymesh-root-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

it('of this computer has its programs, accounts of the system without passwords, and nothing that is enabled', t => {
  const made = makeRoot(folder(t), 'north', undefined)
  const text = (name: string) => readFileSync(join(made.root, 'etc', name), 'utf8')
  assert.equal(text('hostname'), 'north\n')
  assert.match(text('machine-id'), /^[0-9a-f]{32}\n$/)
  assert.ok(text('passwd').startsWith('root:'))
  const ids = text('passwd')
    .trim()
    .split('\n')
    .map(line => Number(line.split(':')[2]))
  assert.ok(
    ids.every(id => id < 1000 || id === 65_534),
    ids.join(),
  )
  assert.ok(
    text('shadow')
      .trim()
      .split('\n')
      .every(line => line.split(':')[1] === '*'),
  )
  assert.ok(
    text('group')
      .trim()
      .split('\n')
      .every(line => line.endsWith(':')),
  )
  for (const name of ['systemd', 'ssh', 'ssl/private', 'fstab', 'cron.d'])
    assert.ok(!existsSync(join(made.root, 'etc', name)), name)
  assert.deepEqual(
    made.overlays.map(({ lower }) => lower),
    ['/usr'],
  )
  assert.ok(made.place('/usr/lib/x').endsWith('/usr/lib/x') && !made.place('/usr/lib/x').startsWith(made.root))
})

it('that is given is only read', t => {
  const [directory, base] = [folder(t), folder(t)]
  const made = makeRoot(directory, 'north', base)
  assert.ok(!existsSync(join(base, 'etc')))
  assert.equal(readFileSync(made.place('/etc/hostname'), 'utf8'), 'north\n')
})

it('needs systemd, Nix, and a name that a mount takes', t => {
  const base = folder(t)
  const refused = (words: RegExp) => assert.throws(() => requireBootable(base), { code: 'try-root', message: words })
  refused(/systemd/)
  mkdirSync(join(base, 'usr/lib/systemd'), { recursive: true })
  writeFileSync(join(base, 'usr/lib/systemd/systemd'), '')
  refused(/Nix/)
  mkdirSync(join(base, 'usr/bin'))
  writeFileSync(join(base, 'usr/bin/nix'), '')
  requireBootable(base)
  assert.throws(() => requireBootable(`${base},x`), { code: 'try-root' })
})
