/** Plans of adoptions: for machines that fit, and the reason for each one that does not. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Facts, parseFacts } from './facts.ts'
import { type Declared, makePlan, type Wishes } from './plan.ts'
import { answerOf } from './target.ts'

const now = new Date('2026-03-01T12:00:00Z')
const debian = {
  ...{ os: 'debian', system: 'Debian GNU/Linux 12 (bookworm)', kernel: 'Linux', machine: 'x86_64' },
  ...{ architecture: 'amd64', host: 'Gate-7', user: 'root', root: 'yes', systemd: 'yes', container: '', nix: '2.8.0' },
  ...{ freeVar: '9000000', freeUsr: '9000000', memory: '2000000', clock: String(now.getTime() / 1000) },
}
const declared: Declared = {
  ...{ fleet: 'f'.repeat(64), configs: ['hello', 'kiosk'], members: new Map([['taken', '12D3other']]) },
  devices: new Map([['known', { config: 'kiosk', site: 'harbour' }]]),
}
const wishes: Wishes = { name: 'gate', config: 'hello', tags: [], nix: 'apt', setClock: false }
const file = { path: '/p', name: 'thymesh_0.1.0_amd64.deb', version: '0.1.0', bytes: 40_000_000, sha256: 'aa' }

function plan(facts: object = {}, wished: Partial<Wishes> = {}, of: Partial<Declared> = {}) {
  const all: Facts = parseFacts({ ...debian, ...facts })
  const find = async (architecture: string) => {
    if (architecture === 'amd64') return file
    throw Object.assign(new Error(architecture), { code: 'no-package' })
  }
  return makePlan(all, { ...wishes, ...wished }, { ...declared, ...of }, find, now)
}

describe('the plan of an adoption', () => {
  it('names what will be done', async () => {
    const { steps, installsNix, declares, site } = await plan({ nix: '' }, { site: 'farm' })
    assert.deepEqual([installsNix, declares, site], [true, true, 'farm'])
    assert.match(
      steps.join('\n'),
      /copy thymesh_0.1.0_amd64.deb \(40.0 MB\)\ninstall nix-bin .*\ninstall thymesh 0.1.0/,
    )
  })

  it('takes name, config and site from where they are known', async () => {
    const known = await plan({ host: 'known' }, { name: undefined, config: undefined })
    assert.deepEqual([known.name, known.config, known.site, known.declares], ['known', 'kiosk', 'harbour', false])
    assert.equal((await plan({}, { name: undefined })).name, 'gate-7')
    assert.equal((await plan({}, { config: undefined }, { configs: ['only'] })).config, 'only')
  })

  it('installs nothing that is there already, and goes on with an adoption that was cut off', async () => {
    const cut = {
      adopting: 'gate',
      adoptingFleet: declared.fleet,
      joined: '12D3KooWNoMC9M6vcdFwbDTwrEK3xGg4BAun8h4LA8ESnGZ1HF8m',
      daemon: 'yes',
      thymesh: '0.1.0',
    }
    const { package: found, resumes } = await plan(
      cut,
      {},
      { members: new Map([['gate', '12D3KooWNoMC9M6vcdFwbDTwrEK3xGg4BAun8h4LA8ESnGZ1HF8m']]) },
    )
    assert.deepEqual([found, resumes], [null, true])
  })

  const refusals: readonly [string, string, object, Partial<Wishes>?][] = [
    ['Alpine', 'unsupported-system', { os: 'alpine', systemd: '', architecture: '', system: 'Alpine Linux v3.22' }],
    ['Debian without systemd', 'unsupported-system', { systemd: '' }],
    ['Fedora', 'unsupported-system', { os: 'fedora', architecture: '' }],
    ['NixOS without the module', 'needs-module', { os: 'nixos', architecture: '' }],
    ['an architecture without a package', 'no-package', { architecture: 'armhf', machine: 'armv7l' }],
    ['a full /var/lib', 'disk-full', { freeVar: '1000' }],
    ['a full /usr', 'disk-full', { freeUsr: '1000' }],
    ['a clock of 1970', 'clock-wrong', { clock: '1234' }],
    ['no Nix that is to be kept', 'no-nix', { nix: '' }, { nix: 'keep' }],
    ['a name that is a member', 'name-taken', {}, { name: 'taken' }],
    ['a name with another config', 'name-taken', {}, { name: 'known' }],
    ['a config that is not there', 'config-missing', {}, { config: 'none' }],
    ['no config where there are two', 'config-missing', {}, { config: undefined }],
    ['a host name that says nothing', 'name-missing', { host: 'debian' }, { name: undefined }],
    ['a device', 'member-already', { daemon: 'yes' }],
    ['an adoption as another device', 'other-adoption', { adopting: 'x', adoptingFleet: declared.fleet }],
  ]
  for (const [what, code, facts, wished] of refusals) {
    it(`refuses ${what}`, () => assert.rejects(plan(facts, wished), { code }))
  }

  it('sets a clock of 1970 where that is asked for', async () => {
    const { steps } = await plan({ clock: '1234' }, { setClock: true })
    assert.match(steps[0] ?? '', /^set its clock, which is 20\d+ days behind$/)
  })

  it('refuses facts that are not all there', () => {
    assert.throws(() => parseFacts({ ...debian, root: 'maybe', freeVar: '' }), { code: 'unsupported-system' })
  })
})

describe('the answer of a machine', () => {
  const end = (code: number) => `\nn0 end ${code}\n`

  it('is what stands between the nonces, whatever a login prints', () => {
    const stdout = `Welcome!\na=motd\nNo newline\nn0 begin\na=1\nb=x=y\nodd line\n${end(0)}bye`
    assert.deepEqual({ ...answerOf({ code: 0, stdout, stderr: '' }, 'n0') }, { a: '1', b: 'x=y' })
  })

  it('may be an error, or none', () => {
    const stdout = `\nn0 begin\nerror=disk-full\nmessage=no room${end(1)}`
    assert.throws(() => answerOf({ code: 1, stdout, stderr: '' }, 'n0'), { code: 'disk-full', message: 'no room' })
    assert.throws(() => answerOf({ code: 1, stdout: '', stderr: 'sudo: a password is required\n' }, 'n0'), {
      code: 'sudo-asks',
    })
    assert.throws(
      () => answerOf({ code: 1, stdout: '', stderr: 'sudo: sorry, you must have a tty to run sudo' }, 'n0'),
      {
        code: 'sudo-refused',
      },
    )
    const long = `\nn0 begin\n${'a=1\n'.repeat(10_000)}${end(0)}`
    assert.throws(() => answerOf({ code: 0, stdout: long, stderr: '' }, 'n0'), { code: 'step-failed' })
  })
})
