/** Tags and devices with settings of their own: which system each device gets. */

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { type Files, nixSkip, thisSystem, Workshop } from './workshop.ts'

const module = `{
  settings = {
    port = { type = "int"; default = 80; };
    names = { type = "list"; of.type = "string"; };
    password = { type = "secret"; required = false; owner = "web"; };
  };
  portable = { settings, device, ... }: {
    etc."web".text = "\${toString settings.port} \${if device == null then "shared" else device.name}";
  };
  policy = { settings, ... }: { probes = [ { port = settings.port; } ]; };
}`

const other = `{
  settings.host.type = "string";
  portable = _: { };
  policy = _: { probes = [ { other = true; } ]; keep = 3; };
}`

interface Fleet {
  configs: Record<string, Record<string, unknown>>
  devices: Record<string, unknown>
  tags: Record<string, unknown>
}

const files: Files = {
  'modules/web.nix': module,
  'modules/other.nix': other,
  'tags/office.json': { displayName: 'Office', priority: 50, modules: { web: { port: 50, names: ['office'] } } },
  'tags/lab.json': { modules: { web: { port: 100, names: ['lab'] } } },
  'configs/shop.json': { system: thisSystem, tags: ['lab'], modules: { web: { password: 'shop' } } },
  'devices/plain.json': { config: 'shop', site: 'north' },
  'devices/tagged.json': { config: 'shop', tags: ['office'] },
  'devices/own.json': { config: 'shop', displayName: 'Own', modules: { web: { port: 1, names: ['own'] } } },
}

describe('tags and devices', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const fleetOf = async (more: Files = {}) =>
    (await workshop.evaluate(workshop.project({ ...files, ...more }), 'thymesh.fleet')) as Fleet

  it('gives a device with tags or settings of its own a config of its own', async () => {
    const { configs, devices, tags } = await fleetOf()
    assert.deepEqual(Object.keys(configs), ['shop', 'shop--own', 'shop--tagged'])
    assert.deepEqual(devices, {
      own: { config: 'shop--own', base: 'shop', tags: ['lab'], displayName: 'Own' },
      plain: { config: 'shop', site: 'north', tags: ['lab'] },
      tagged: { config: 'shop--tagged', base: 'shop', tags: ['lab', 'office'] },
    })
    const web = (name: string) => (configs[name]?.modules as Record<string, unknown>)?.web
    assert.deepEqual(web('shop'), { port: 100, names: ['lab'], password: 'shop' })
    assert.deepEqual(web('shop--tagged'), { port: 50, names: ['office', 'lab'], password: 'shop' })
    assert.deepEqual(web('shop--own'), { port: 1, names: ['own', 'lab'], password: 'shop' })
    const { base, device, displayName } = configs['shop--own'] ?? {}
    assert.deepEqual([base, device, displayName], ['shop', 'own', 'shop (Own)'])
    assert.deepEqual(tags.office, {
      displayName: 'Office',
      description: '',
      priority: 50,
      modules: { web: { port: 50, names: ['office'] } },
    })
  })

  it('changes nothing that is built for a tag that only names devices', async () => {
    const { configs, devices } = await fleetOf({
      'tags/canary.json': { description: 'Updated first' },
      'devices/plain.json': { config: 'shop', site: 'north', tags: ['canary'] },
    })
    assert.deepEqual(Object.keys(configs), ['shop', 'shop--own', 'shop--tagged'])
    assert.deepEqual(devices.plain, { config: 'shop', site: 'north', tags: ['lab', 'canary'] })
  })

  it('builds what each device runs, and tells the module which device it is', async () => {
    const project = workshop.project(files)
    assert.match(await built(project, 'shop'), /100 shared$/)
    assert.match(await built(project, 'shop--own'), /1 own$/)
  })

  async function built(project: string, config: string): Promise<string> {
    const top = await workshop.build(project, config)
    const { stdout } = await workshop.run('cat', [workshop.at(`${top}/etc/web`)])
    return stdout
  }

  it('leaves out a config whose devices all have their own, which may lack what each of them says', async () => {
    const fleet = await fleetOf({
      'configs/named.json': { modules: { other: {} } },
      'devices/a.json': { config: 'named', modules: { other: { host: 'a' } } },
    })
    assert.ok(!('named' in fleet.configs))
    assert.deepEqual(fleet.configs['named--a']?.modules, { other: { host: 'a' } })
    const perDevice = await fleetOf({
      'configs/each.json': { perDevice: true, modules: {} },
      'devices/b.json': { config: 'each' },
    })
    assert.ok('each--b' in perDevice.configs && !('each' in perDevice.configs))
  })

  it('lists the secrets that a config uses, and puts the policies of its modules together', async () => {
    const { configs } = await fleetOf({
      'configs/two.json': {
        modules: { web: { password: { secret: 'pw', processing: 'yescrypt' } }, other: { host: 'x' } },
      },
    })
    const [secret] = (configs.two?.secrets ?? []) as Record<string, unknown>[]
    const { path, ...use } = secret ?? {}
    assert.match(String(path), /^\/run\/thymesh\/secrets\/pw\.[0-9a-f]{8}$/)
    assert.deepEqual(use, {
      name: 'pw',
      owner: 'web',
      group: 'root',
      mode: '0400',
      processing: 'yescrypt',
      allowed: ['single-line', 'multi-line', 'environment', 'file'],
    })
    assert.deepEqual(configs.two?.policy, { probes: [{ other: true }, { port: 80 }], keep: 3 })
  })

  const wrong: [string, Files, RegExp][] = [
    [
      'a tag that is not there',
      { 'configs/a.json': { tags: ['lob'] } },
      /configs\/a\.json: tags: there is no tags\/lob\.json; the project has lab, office/,
    ],
    ['a tag twice', { 'configs/a.json': { tags: ['lab', 'lab'] } }, /configs\/a\.json: tags: lab is there twice/],
    [
      'a wrong value in a tag that nobody has',
      { 'tags/x.json': { modules: { web: { port: 'a' } } } },
      /tags\/x\.json: modules\.web\.port: expected a whole number, got "a"/,
    ],
    ['an unknown key of a tag', { 'tags/x.json': { prio: 1 } }, /tags\/x\.json: tag: unknown prio; expected one of/],
    [
      'a priority out of bounds',
      { 'tags/x.json': { priority: 1001 } },
      /tags\/x\.json: priority: expected a whole number from 0 to 1000/,
    ],
    [
      'two tags of one priority that differ',
      { 'tags/x.json': { modules: { web: { port: 7 } } }, 'configs/a.json': { tags: ['x', 'lab'] } },
      /tags\/lab\.json \(modules\.web\.port\) and tags\/x\.json \(modules\.web\.port\) say different things \(100 and 7\)|tags\/x\.json \(modules\.web\.port\) and tags\/lab\.json/,
    ],
    [
      'a wrong setting of a device',
      { 'devices/d.json': { config: 'shop', modules: { web: { prot: 1 } } } },
      /devices\/d\.json: modules\.web: unknown prot/,
    ],
    [
      'a config named as if it were of a device',
      { 'configs/a--b.json': {} },
      /configs\/a--b\.json: the file's name can't be used/,
    ],
    [
      'a device type that is not there',
      { 'configs/a.json': { type: 'toaster' } },
      /configs\/a\.json: type: there is no device-types\/toaster\.nix; the project has .*generic-x86-64/,
    ],
    [
      'a type of another system',
      { 'configs/a.json': { type: 'raspberry-pi-4', system: 'x86_64-linux' } },
      /configs\/a\.json: system: expected aarch64-linux, which the type raspberry-pi-4 is, got "x86_64-linux"/,
    ],
    [
      'two values of one policy',
      {
        'modules/more.nix': '{ portable = _: { }; policy = _: { keep = 4; }; }',
        'configs/a.json': { modules: { other: { host: 'x' }, more: {} } },
      },
      /configs\/a\.json: two modules give keep of the update policy/,
    ],
    [
      'an artifact that is not there',
      {
        'modules/file.nix':
          '{ settings.a.type = "artifact"; portable = { settings, ... }: { etc.a.source = settings.a; }; }',
        'configs/a.json': { modules: { file: { a: 'x.png' } } },
      },
      /configs\/a\.json: modules\.file\.a: there is no artifacts\/x\.png/,
    ],
  ]
  for (const [what, more, said] of wrong) {
    it(`refuses ${what}`, async () => {
      const output = what.startsWith('an artifact') ? 'thymesh.configs.a.drvPath' : 'thymesh.fleet'
      assert.match(await workshop.evaluationError(workshop.project({ ...files, ...more }), output), said)
    })
  }
})
