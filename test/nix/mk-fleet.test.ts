/** `lib.mkFleet`: what a project's files become, and what is said when they are wrong. */

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { type Files, nixSkip, thisSystem, Workshop } from './workshop.ts'

const web = `{
  displayName = "Web";
  settings = {
    message = { type = "string"; default = "hello"; displayName = "Message"; };
    port = { type = "int"; default = 8080; };
    public = { type = "bool"; default = true; };
  };
  portable = { settings, ... }: { etc."web.json".text = builtins.toJSON settings; };
}`

describe('mkFleet', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())

  it('gives configs with the settings in force, devices and modules as plain data', async () => {
    const project = workshop.project({
      'configs/shop.json': { system: thisSystem, modules: { web: { port: 80 } } },
      'configs/bare.json': { displayName: 'Bare', target: 'portable' },
      'devices/north.1.json': { config: 'shop', site: 'north' },
      'modules/web.nix': web,
      'modules/README.md': 'passed over',
    })
    assert.deepEqual(await workshop.evaluate(project, 'thymesh.fleet'), {
      configs: {
        bare: {
          displayName: 'Bare',
          description: '',
          system: 'x86_64-linux',
          target: 'portable',
          tags: [],
          secrets: [],
          modules: {},
        },
        shop: {
          displayName: 'shop',
          description: '',
          system: thisSystem,
          target: 'portable',
          tags: [],
          secrets: [],
          modules: { web: { message: 'hello', port: 80, public: true } },
        },
      },
      devices: { 'north.1': { config: 'shop', site: 'north', tags: [] } },
      tags: {},
    })
    const modules = (await workshop.evaluate(project, 'thymesh.modules')) as Record<string, { displayName: object }>
    assert.deepEqual(modules.web?.displayName, { en: 'Web' })
  })

  it('gives empty sets for a project without folders', async () => {
    const project = workshop.project({})
    assert.deepEqual(await workshop.evaluate(project, 'thymesh.fleet'), { configs: {}, devices: {}, tags: {} })
  })

  const config = (modules: object): Files => ({ 'configs/shop.json': { modules }, 'modules/web.nix': web })
  const wrong: { what: string; files: Files; said: RegExp[] }[] = [
    {
      what: 'a setting that the module has not',
      files: config({ web: { prot: 80 } }),
      said: [/configs\/shop\.json: modules\.web: unknown prot; expected one of message, port, public/],
    },
    {
      what: 'a string for a whole number',
      files: config({ web: { port: '80' } }),
      said: [/configs\/shop\.json: modules\.web\.port: expected a whole number, got "80"/],
    },
    {
      what: 'a number for a string',
      files: config({ web: { message: 1 } }),
      said: [/configs\/shop\.json: modules\.web\.message: expected a string, got 1/],
    },
    {
      what: 'a list for true or false',
      files: config({ web: { public: [] } }),
      said: [/configs\/shop\.json: modules\.web\.public: expected true or false, got a list/],
    },
    {
      what: 'settings that are no object',
      files: config({ web: true }),
      said: [/configs\/shop\.json: modules\.web: expected an object, got true/],
    },
    {
      what: 'a module that is not there',
      files: config({ wbe: {} }),
      said: [/configs\/shop\.json: modules\.wbe: there is no modules\/wbe\.nix; the project has .*web/],
    },
    {
      what: 'an unknown key of a config',
      files: { 'configs/shop.json': { module: {} } },
      said: [/configs\/shop\.json: config: unknown module; expected one of .*modules/],
    },
    {
      what: 'an unknown target',
      files: { 'configs/shop.json': { target: 'windows' } },
      said: [/configs\/shop\.json: target: expected one of nixos, portable, got "windows"/],
    },
    {
      what: 'a device whose config is not there',
      files: { ...config({}), 'devices/north.json': { config: 'shpo' } },
      said: [/devices\/north\.json: config: there is no configs\/shpo\.json; the project has shop/],
    },
    {
      what: 'a device without a config',
      files: { 'devices/north.json': {} },
      said: [/devices\/north\.json: config: must be set/],
    },
    {
      what: 'a setting without a value',
      files: { ...config({ web: {} }), 'modules/web.nix': '{ settings.key.type = "string"; portable = _: { }; }' },
      said: [/configs\/shop\.json: modules\.web\.key: must be set, since modules\/web\.nix gives it no default/],
    },
    {
      what: 'a type that is not there',
      files: { ...config({ web: { key: 1 } }), 'modules/web.nix': '{ settings.key.type = "colour"; }' },
      said: [/modules\/web\.nix: settings\.key: unknown type "colour"; expected one of artifact, bool, .*text/],
    },
    {
      what: 'a default of another type',
      files: { ...config({ web: {} }), 'modules/web.nix': '{ settings.key = { type = "int"; default = "1"; }; }' },
      said: [/modules\/web\.nix: settings\.key\.default: expected a whole number, got "1"/],
    },
    {
      what: 'an unknown key of a module',
      files: { ...config({ web: {} }), 'modules/web.nix': '{ setting = { }; }' },
      said: [/modules\/web\.nix: module: unknown setting; expected one of .*settings/],
    },
    {
      what: "a config's name that can't be an attribute",
      files: { 'configs/a.b.json': {} },
      said: [/configs\/a\.b\.json: the file's name can't be used/],
    },
  ]
  for (const { what, files, said } of wrong) {
    it(`refuses ${what}`, async () => {
      const message = await workshop.evaluationError(workshop.project(files), 'thymesh.fleet')
      for (const pattern of said) assert.match(message, pattern)
    })
  }
})
