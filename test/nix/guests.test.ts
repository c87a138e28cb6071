/** The module virtual-machines: what a guest's unit and plan are on both targets, and what is refused before anything is built. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { guestPlanSchema } from '../../controller/vms/guest-plan.ts'
import { type Files, nixSkip, succeeded, thisSystem, Workshop } from './workshop.ts'

const repository = join(import.meta.dirname, '../..')
const wanted = [
  { name: 'till', memoryMegabytes: 512, processors: 2, token: 'till-join' },
  { name: 'scale', kind: 'qemu', image: '/srv/images/scale.raw', autostart: false },
]
const declared: Files = {
  'devices/till.json': { config: 'guest', site: 'shop' },
  'devices/scale.json': { config: 'guest' },
  'configs/guest.json': { system: thisSystem },
}

describe('guests of a device', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const host = (guests: object[], more: Files = {}) =>
    workshop.project({
      ...declared,
      'configs/host.json': { system: thisSystem, modules: { 'virtual-machines': { guests } } },
      ...more,
    })
  let top = ''
  const at = (path: string) => workshop.at(join(top, path))
  const text = (path: string) => readFileSync(at(path), 'utf8')
  before(async () => {
    top = await workshop.build(host(wanted), 'host')
  })

  it('have a unit each, which starts with the device unless it is told otherwise', () => {
    const unit = text('units/thymesh-guest-till.service')
    assert.match(
      unit,
      /^ExecStartPre=\/var\/lib\/thymesh\/bin\/thymesh guest prepare \/etc\/thymesh-guests\/till\.json$/m,
    )
    for (const line of ['CPUQuota=200%', 'MemoryMax=512M', 'After=thymesh-secrets.service', 'KillMode=mixed']) {
      assert.ok(unit.split('\n').includes(line), line)
    }
    const starts = (name: string) => existsSync(at(`units/multi-user.target.wants/thymesh-guest-${name}.service`))
    assert.deepEqual([starts('till'), starts('scale')], [true, false])
    // QEMU has its memory by an option of its own.
    assert.doesNotMatch(text('units/thymesh-guest-scale.service'), /MemoryMax/)
  })

  it('have a plan that the program takes, with the site of the device’s file', () => {
    const plan = (name: string) => guestPlanSchema.parse(JSON.parse(text(`etc/thymesh-guests/${name}.json`)))
    assert.deepEqual(plan('till'), {
      ...{ v: 1, name: 'till', kind: 'container', site: 'shop', root: null, network: 'nat' },
      ...{ memoryMegabytes: 512, processors: 2, diskMegabytes: 8192, token: '/run/thymesh/secrets/till-join' },
    })
    const scale = plan('scale')
    assert.deepEqual(
      [scale.kind, scale.site, scale.token, 'program' in scale && scale.program],
      ['qemu', null, null, '/etc/thymesh-guests/scale.sh'],
    )
    const script = at('etc/thymesh-guests/scale.sh')
    execFileSync('sh', ['-n', script])
    assert.match(readFileSync(script, 'utf8'), /cp --sparse=always \/srv\/images\/scale\.raw /)
    assert.doesNotMatch(readFileSync(script, 'utf8'), /@\w+@/)
  })

  it('are named among what the machine needs, and restart for no token', async () => {
    assert.match(text('thymesh/needs'), /^systemd-nspawn systemd-container virtual-machines$/m)
    assert.match(text('thymesh/needs'), /^nft nftables /m)
    const joined = await workshop.build(host(wanted.map(guest => ({ ...guest, token: undefined }))), 'host')
    const unit = 'units/thymesh-guest-till.service'
    assert.equal(readFileSync(workshop.at(join(joined, unit)), 'utf8'), text(unit))
  })

  const till = { name: 'till' }
  for (const [what, guest, more, said] of [
    ['a guest without a file of its own', { name: 'nobody' }, {}, /nobody: there is no devices\/nobody\.json/],
    ['a machine without an image', { ...till, kind: 'qemu' }, {}, /till: has no image/],
    [
      'a machine with two images',
      { ...till, kind: 'qemu', image: '/a.raw', imagePackage: 'disk' },
      { 'packages/disk.nix': '_: { outPath = builtins.path { path = ./.; }; }' },
      /till: has both image and imagePackage/,
    ],
    [
      'a guest of two devices',
      till,
      { 'devices/a.json': { config: 'host' }, 'devices/b.json': { config: 'host' } },
      /a\.json, b\.json have the config host, and a guest is on one device/,
    ],
    ['a name that is none', { name: '../till' }, {}, /guests\[0\]\.name: expected lowercase letters/],
    ['too little memory', { ...till, memoryMegabytes: 64 }, {}, /memoryMegabytes: expected at least 256, got 64/],
    ['a root that no overlay takes', { ...till, root: '/srv/a:b' }, {}, /root: expected an absolute path of letters/],
  ] as const) {
    it(`refuse ${what}`, async () => {
      // What `thymesh check` evaluates.
      const error = await workshop.evaluationError(host([guest], more), 'thymesh.fleet')
      assert.match(error, said)
    })
  }

  it('are the same on NixOS, where a container needs a root', async () => {
    const nixos = (guests: object[]) =>
      workshop.project({
        ...declared,
        'configs/host.json': { target: 'nixos', modules: { 'virtual-machines': { guests } } },
      })
    const evaluate = (project: string, attribute: string) =>
      workshop.run('nix', [
        ...['eval', '--impure', '--json', '--expr'],
        `((import ${repository}/nix/lib).mkFleet { project = ${project}; inputs = { }; nixpkgs = import ${join(import.meta.dirname, 'nixos-stub')}; }).thymesh.configs.host.${attribute}`,
      ])
    const rooted = nixos([{ ...wanted[0], root: '/srv/roots/debian' }, wanted[1] ?? {}])
    const units = JSON.parse(succeeded(await evaluate(rooted, 'config.systemd.services')))
    assert.deepEqual(units['thymesh-guest-till'].wantedBy, ['multi-user.target'])
    assert.equal(units['thymesh-guest-till'].serviceConfig.MemoryMax, '512M')
    assert.match(
      units['thymesh-guest-till'].serviceConfig.ExecStop,
      /^\/run\/current-system\/sw\/bin\/thymesh guest stop /,
    )
    assert.deepEqual(units['thymesh-guest-scale'].wantedBy, [])
    const bare = await evaluate(nixos(wanted), 'outPath')
    assert.notEqual(bare.code, 0)
    assert.match(bare.stderr, /till: has no root; on NixOS a container needs one/)
  })
})
