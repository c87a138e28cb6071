/** The stand-in for nixpkgs is no laxer than NixOS: its options' names and types are the facts of the real ones, and they refuse as much. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip, succeeded, Workshop } from './workshop.ts'

const repository = join(import.meta.dirname, '../..')
const stub = join(import.meta.dirname, 'nixos-stub')
const facts = JSON.parse(readFileSync(join(repository, 'test/fixtures/nixos/options-26.11.json'), 'utf8')) as Readonly<
  Record<string, string>
>

/** NixOS itself looks at nothing here, so the stand-in is free to. */
const free = 'unspecified value'

describe('the stand-in for nixpkgs', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const system = (...modules: string[]) =>
    `(let pkgs = import ${stub}; modules = ${stub}/nixos/modules; in pkgs.lib.nixosSystem { system = "x86_64-linux"; modules = [ { system.stateVersion = "25.11"; system.name = "x"; } ${modules.join(' ')} ]; })`
  const evaluate = (expression: string) => workshop.run('nix', ['eval', '--impure', '--json', '--expr', expression])

  let ours: Record<string, string>
  before(async () => {
    const images = ['sd-card/sd-image-aarch64.nix', 'cd-dvd/installation-cd-minimal.nix']
    const all = system(...images.map(image => `${stub}/nixos/modules/installer/${image}`))
    ours = JSON.parse(succeeded(await evaluate(`(import ${stub}).lib.optionTypes ${all}.options`)))
  })

  it('has options that NixOS has, of the same type', () => {
    const below = (name: string) =>
      Object.keys(facts).some(above => facts[above] === free && name.startsWith(`${above}.`))
    const wrong = Object.entries(ours)
      .filter(([name]) => !below(name) && facts[name] !== free)
      .filter(([name, type]) => facts[name] !== type)
      .map(([name, type]) => `${name}: ${type}, in NixOS ${facts[name] ?? 'no such option'}`)
    assert.deepEqual(wrong, [])
    assert.ok(Object.keys(ours).length > 100)
  })

  const refusals: [what: string, module: string, option: RegExp][] = [
    ['a unit name without its kind', '{ systemd.services.a.after = [ "network" ]; }', /services\.a\.after/],
    ['a description of two lines', '{ systemd.services.a.description = "a\\nb"; }', /services\.a\.description/],
    ['a user described with a colon', '{ users.users.a.description = "a:b"; }', /users\.a\.description/],
    ['a key of two lines', '{ users.users.a.openssh.authorizedKeys.keys = [ "a\\nb" ]; }', /authorizedKeys\.keys/],
    ['a store path for a shell', '{ users.users.a.shell = "/nix/store/shell"; }', /users\.a\.shell/],
    ['an empty device', '{ fileSystems."/".device = ""; }', /fileSystems\.\/\.device/],
    ['no mount options', '{ fileSystems."/".options = [ ]; }', /fileSystems\.\/\.options/],
    [
      'a prefix that is too long',
      '{ networking.interfaces.a.ipv4.addresses = [ { address = "10.0.0.1"; prefixLength = 33; } ]; }',
      /prefixLength/,
    ],
    ['a time zone with a space', '{ time.timeZone = "Europe / Berlin"; }', /time\.timeZone/],
    ['a set where an atom is due', '{ systemd.services.a.serviceConfig.User = { }; }', /serviceConfig/],
  ]
  for (const [what, module, option] of refusals) {
    it(`refuses ${what}`, async () => {
      const { code, stderr } = await evaluate(`${system(module)}.config.system.build.toplevel.outPath`)
      assert.notEqual(code, 0)
      assert.match(stderr, /is not of type/)
      assert.match(stderr, option)
    })
  }
})
