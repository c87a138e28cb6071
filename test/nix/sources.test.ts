/** Where modules, device types and packages come from: the project's own folders, and inputs, also broken ones. */

import assert from 'node:assert/strict'
import { readlinkSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { type Files, nixSkip, thisSystem, Workshop } from './workshop.ts'

const sign = `{
  displayName = "Sign";
  settings = { text.type = "string"; tool = { type = "package"; required = false; }; };
  portable = { settings, ... }: {
    etc.sign.text = settings.text;
    packages = if settings.tool == null then [ ] else [ settings.tool ];
  };
}`

const tool = (system: string) => `derivation {
  name = "tool"; system = ${system}; builder = "/bin/sh"; PATH = "/usr/bin:/bin";
  args = [ "-c" "mkdir -p $out/bin; echo tool >$out/bin/tool" ];
}`

describe('sources', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())

  /** A project whose flake has these inputs, folders with files. */
  function withInputs(inputs: Record<string, { files: Files; flake?: boolean }>, files: Files): string {
    const project = workshop.project(files)
    for (const [name, input] of Object.entries(inputs)) workshop.write(`${project}/inputs/${name}`, input.files)
    const lines = Object.entries(inputs).map(
      ([name, { flake = true }]) => `${name} = { url = "path:./inputs/${name}"; flake = ${flake}; };`,
    )
    // Nix 2.8 takes no relative path for an input of a path flake.
    const absolute = lines.join(' ').replaceAll('path:./', `path:${project}/`)
    const outputs = 'inputs@{ self, thymesh, ... }: thymesh.lib.mkFleet { project = self; inherit inputs; }'
    workshop.write(project, {
      'flake.nix': `{ inputs = { thymesh.url = "path:./nix"; ${absolute} }; outputs = ${outputs}; }`,
    })
    return project
  }

  const signs = {
    files: {
      'flake.nix': `{ outputs = _: {
        thymesh = {
          description = "Modules for signs";
          modules.sign = ./sign.nix;
          deviceTypes.board = { system = "${thisSystem}"; displayName = "Sign board"; images = [ "raw" ]; };
        };
        packages.${thisSystem}.tool = ${tool(`"${thisSystem}"`)};
      }; }`,
      'sign.nix': sign,
    },
  }
  const folder = {
    flake: false,
    files: {
      'thymesh-repository.json': { displayName: 'Folder', description: 'No flake' },
      'modules/sign.nix': sign,
      'device-types/box.nix': `{ system = "${thisSystem}"; }`,
    },
  }
  const plain = { flake: false, files: { 'modules/not-ours.nix': 'throw "nobody looks here"' } }
  const broken = { files: { 'flake.nix': '{ outputs = _: { thymesh = { modules = throw "broken on purpose"; }; }; }' } }
  const inputs = { signs, folder, plain, broken }
  const files: Files = {
    'configs/a.json': {
      type: 'signs/board',
      system: thisSystem,
      modules: { 'signs/sign': { text: 'by flake', tool: 'signs/tool' } },
    },
    'configs/b.json': { type: 'folder/box', modules: { 'folder/sign': { text: 'by folder', tool: 'own' } } },
    'packages/own.nix': `{ system, ... }: ${tool('system')}`,
    'device-types/mine.nix': `{ system = "${thisSystem}"; displayName = { en = "Mine"; de = "Meins"; }; }`,
    'configs/c.json': { type: 'mine' },
  }
  const project = withInputs(inputs, files)

  it('uses modules, device types and packages of inputs, whatever the others are', async () => {
    const fleet = (await workshop.evaluate(project, 'thymesh.fleet')) as {
      configs: Record<string, { type: string; system: string }>
    }
    assert.deepEqual(
      Object.values(fleet.configs).map(({ type, system }) => [type, system]),
      [
        ['signs/board', thisSystem],
        ['folder/box', thisSystem],
        ['mine', thisSystem],
      ],
    )
    for (const config of ['a', 'b']) {
      const top = await workshop.build(project, config)
      assert.match(readlinkSync(workshop.at(`${top}/sw/bin/tool`)), /-tool\/bin\/tool$/)
    }
  })

  it('lists what each offers, and which is broken', async () => {
    const sources = (await workshop.evaluate(project, 'thymesh.sources')) as Record<string, Record<string, unknown>>
    assert.deepEqual(Object.keys(sources), ['broken', 'folder', 'plain', 'project', 'signs', 'thymesh'])
    assert.deepEqual(sources.signs, {
      displayName: { en: 'signs' },
      description: { en: 'Modules for signs' },
      modules: ['signs/sign'],
      deviceTypes: ['signs/board'],
      packages: { [thisSystem]: ['tool'] },
      offers: true,
    })
    assert.deepEqual(sources.folder?.modules, ['folder/sign'])
    assert.deepEqual([sources.plain?.modules, sources.plain?.offers], [[], false])
    assert.match(String(sources.broken?.problem), /can't be evaluated/)
    assert.deepEqual(sources.project?.packages, ['own'])
    assert.ok(String(sources.thymesh?.modules).includes('networking'))
    const said = await workshop.evaluationError(project, 'thymesh.modulesOf.broken')
    assert.match(said, /broken on purpose/)
  })

  it('describes the modules of all that are well', async () => {
    const modules = (await workshop.evaluate(project, 'thymesh.modules')) as Record<string, { source: string }>
    assert.deepEqual(
      [modules['signs/sign']?.source, modules['folder/sign']?.source, modules.device?.source],
      ['signs', 'folder', 'thymesh'],
    )
  })

  const wrong: [string, Files, RegExp][] = [
    [
      'an input that is not there',
      { 'configs/a.json': { modules: { 'sings/sign': {} } } },
      /configs\/a\.json: modules\.sings\/sign: the project has no input sings; its inputs are broken, folder, plain, signs/,
    ],
    [
      'a module that the input has not',
      { 'configs/a.json': { modules: { 'signs/sing': {} } } },
      /input signs offers no module sing; it offers sign/,
    ],
    ['a module of a broken input', { 'configs/a.json': { modules: { 'broken/x': {} } } }, /broken on purpose/],
    [
      'a device type without system',
      { 'device-types/bad.nix': '{ }', 'configs/a.json': { type: 'bad' } },
      /device-types\/bad\.nix: system: expected one of x86_64-linux/,
    ],
    [
      'an image that is not known',
      {
        'device-types/bad.nix': '{ system = "x86_64-linux"; images = [ "floppy" ]; }',
        'configs/a.json': { type: 'bad' },
      },
      /device-types\/bad\.nix: images: expected a list of raw, sd-card, iso, vm/,
    ],
  ]
  for (const [what, more, said] of wrong) {
    it(`refuses ${what}`, async () => {
      assert.match(await workshop.evaluationError(withInputs(inputs, more), 'thymesh.fleet'), said)
    })
  }

  it('refuses a package that is not there', async () => {
    const bad = withInputs(inputs, {
      'configs/a.json': { system: thisSystem, modules: { 'signs/sign': { text: 'x', tool: 'htop' } } },
    })
    const said = await workshop.evaluationError(bad, 'thymesh.configs.a.drvPath')
    assert.match(
      said,
      /configs\/a\.json: modules\.signs\/sign\.tool: there is no packages\/htop\.nix, and the project has no input nixpkgs/,
    )
  })

  const bad: [string, string, RegExp][] = [
    ['throws', '_: throw "boom"', /boom/],
    ['never ends', '_: let x = x + 1; in { etc.a.text = toString x; }', /infinite recursion/],
    [
      'reads the network',
      '_: { etc.a.text = builtins.readFile (builtins.fetchurl "https://example.org/"); }',
      /pure evaluation mode/,
    ],
    ['reads this machine', '_: { etc.a.text = builtins.readFile "/etc/passwd"; }', /pure eval/],
  ]
  for (const [what, portable, said] of bad) {
    it(`names a module that ${what}`, async () => {
      const files = { 'configs/a.json': { modules: { bad: {} } }, 'modules/bad.nix': `{ portable = ${portable}; }` }
      const ended = await workshop.nix('eval', workshop.project(files), 'thymesh.configs.a.drvPath', '--show-trace')
      assert.notEqual(ended.code, 0)
      assert.match(ended.stderr, said)
      assert.match(ended.stderr, /while evaluating the module bad \(modules\/bad\.nix\) for config a/)
    })
  }
})
