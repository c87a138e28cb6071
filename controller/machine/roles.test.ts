/** What devices and laptops need: each check where all is well and where it is not. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Check } from './check.ts'
import { deviceChecks } from './device-checks.ts'
import { laptopChecks } from './laptop-checks.ts'
import type { System } from './system.ts'

const tcp = (...rows: string[]) =>
  [
    '  sl  local_address rem_address   st tx_queue',
    ...rows.map((row, at) => `   ${at}: ${row} 00000000:00000000`),
    '',
  ].join('\n')
const listening = '00000000:116C 00000000:0000 0A'
const connected = '0100007F:9C40 0200004D:116C 01'
const well = {
  'run/systemd/system/x': '',
  'state/identity.key': '',
  'proc/net/tcp': tcp(listening, connected),
  'nix/var/nix/daemon-socket/socket': '',
}
const says: Record<string, string> = {
  'systemctl is-active': '0 active',
  'systemctl is-enabled': '0 enabled',
  'timedatectl show': '0 yes',
  'git --version': '0 git version 2.39.5',
  'ssh -V': '0 OpenSSH_9.2p1',
}

async function system(
  t: TestContext,
  given: { files?: Record<string, string | undefined>; says?: Record<string, string | undefined>; free?: number } = {},
): Promise<System> {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-roles-'))
  t.after(() => rm(root, { recursive: true }))
  for (const [name, text] of Object.entries({ ...well, ...given.files })) {
    if (text === undefined) continue
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return {
    root,
    run: async (program, [first]) => {
      const [code, ...words] = ({ ...says, ...given.says }[`${program} ${first}`] ?? '').split(' ')
      return code === '' ? undefined : { code: Number(code), text: words.join(' ') }
    },
    free: async () => given.free ?? 5e9,
    mayWrite: async () => false,
    addresses: () => ['10.0.0.2'],
  }
}

const settings = { state: '/state' }
const wrongOf = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok).map(({ check }) => check)

describe('what a device needs', () => {
  it('is all there', async t => {
    const checks = await deviceChecks(await system(t), settings)
    assert.deepEqual(wrongOf(checks), [])
    assert.ok(checks.every(({ hint }) => hint === null))
  })

  const faults: readonly [string, string[], Parameters<typeof system>[1]][] = [
    ['no systemd', ['systemd', 'daemon', 'port'], { files: { 'run/systemd/system/x': undefined } }],
    ['no membership', ['membership'], { files: { 'state/identity.key': undefined } }],
    ['a daemon that is not enabled', ['daemon'], { says: { 'systemctl is-enabled': '1 disabled' } }],
    ['another program at its port', ['daemon', 'port'], { says: { 'systemctl is-active': '3 inactive' } }],
    ['a daemon that can not listen', ['port'], { files: { 'proc/net/tcp': tcp(connected) } }],
    ['no peers', ['peers'], { files: { 'proc/net/tcp': tcp(listening) } }],
    ['a full disk', ['disk', 'disk'], { free: 1000 }],
    ['a clock that nobody sets', ['time'], { says: { 'timedatectl show': '0 no' } }],
  ]
  for (const [what, checks, given] of faults) {
    it(`tells of ${what}, with the next step`, async t => {
      const found = await deviceChecks(await system(t, given), settings)
      assert.deepEqual(wrongOf(found), checks)
      assert.ok(found.every(({ ok, hint }) => ok || (hint !== null && hint.length > 10)))
    })
  }

  it('follows its settings', async t => {
    const files = { 'proc/net/tcp': tcp('00000000:3039 00000000:0000 0A', '0100007F:9C40 0200004D:2382 01') }
    const given = await system(t, { files, says: { 'timedatectl show': '0 no' } })
    const own = {
      ...settings,
      listen: ['/ip4/0.0.0.0/tcp/12345'],
      bootstrap: ['/ip4/10.0.0.1/tcp/9090'],
      clock: 'none',
    }
    assert.deepEqual(wrongOf(await deviceChecks(given, own)), [])
  })
})

it('a device without sshd is in order, and told what brings it', async t => {
  const saidOf = async (given: System) =>
    (await deviceChecks(given, settings)).find(({ check }) => check === 'sshd')?.message
  const given = await system(t)
  assert.match((await saidOf(given)) ?? '', /there is none.*openssh-server/)
  await mkdir(join(given.root, 'usr/sbin'), { recursive: true })
  await writeFile(join(given.root, 'usr/sbin/sshd'), '', { mode: 0o755 })
  assert.match((await saidOf(given)) ?? '', /there is one/)
})

describe('what an operator needs', () => {
  it('is named where it is missing', async t => {
    const home = await mkdtemp(join(tmpdir(), 'thymesh-home-'))
    t.after(() => rm(home, { recursive: true }))
    assert.deepEqual(wrongOf(await laptopChecks(await system(t), home)), ['fleets'])
    await mkdir(join(home, '0123456789abcdef'))
    assert.deepEqual(wrongOf(await laptopChecks(await system(t), home)), [])
    const none = { says: { 'git --version': undefined, 'ssh -V': undefined } }
    assert.deepEqual(wrongOf(await laptopChecks(await system(t, none), home)), ['git', 'ssh'])
    const files = { 'nix/var/nix/daemon-socket/socket': undefined }
    assert.deepEqual(wrongOf(await laptopChecks(await system(t, { files, free: 5 }), home)), ['build', 'disk'])
  })
})
