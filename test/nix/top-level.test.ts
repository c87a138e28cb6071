/** The portable target: what a top level contains, and what modules can't say. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { replaceOnce } from '../helpers/replace.ts'
import { nixSkip, succeeded, thisSystem, Workshop } from './workshop.ts'

const tool = `
  derivation {
    inherit system;
    name = "tool";
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-c" "mkdir -p $out/bin; echo '#!/bin/sh' >$out/bin/tool; chmod +x $out/bin/tool" ];
  }`

describe('the portable top level', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())

  /** A project with one config that has each of these modules, bodies of `portable`. */
  function project(modules: Record<string, string>) {
    const names = Object.keys(modules)
    const use = Object.fromEntries(names.map(name => [name, {}]))
    const files = names.map(name => [
      `modules/${name}.nix`,
      `{ portable = { settings, system, thymesh, project, config, ... }: ${modules[name]}; }`,
    ])
    return workshop.project({
      'configs/shop.json': { system: thisSystem, modules: use },
      ...Object.fromEntries(files),
    })
  }
  const refusal = (modules: Record<string, string>) =>
    workshop.evaluationError(project(modules), 'thymesh.configs.shop.drvPath')

  it('has units, /etc files, programs and what tells what it is, all in its closure', async () => {
    const top = await workshop.build(
      project({
        web: `let tool = ${tool}; in {
          units."web.service" = {
            Service = { ExecStart = "\${tool}/bin/tool"; Environment = [ "A=1" "B=it's" ]; PrivateTmp = true; Nice = 5; };
            Unit.Description = "Web";
            wantedBy = [ "multi-user.target" ];
            restartTriggers = [ "one" ];
          };
          units."late@.service".text = "[Service]\\nExecStart=/bin/true\\n";
          etc."web/a b.conf" = { text = "it's $HOME\\n"; executable = true; };
          etc."web/tool".source = tool;
          packages = [ tool tool ];
        }`,
        other: '{ units."other.timer" = { Timer.OnBootSec = "1h"; Install.WantedBy = "timers.target"; }; }',
      }),
      'shop',
    )
    const read = (path: string) => readFileSync(workshop.at(`${top}/${path}`), 'utf8')
    const unit = read('units/web.service')
    const stored = unit.match(/ExecStart=(\/nix\/store\/[^/]*-tool)\/bin\/tool/)?.[1]
    assert.ok(stored, unit)
    assert.equal(
      replaceOnce(unit, /X-RestartTriggers=[0-9a-f]{64}\n$/, ''),
      `[Unit]\nDescription=Web\n\n[Service]\nEnvironment=A=1\nEnvironment=B=it's\nExecStart=${stored}/bin/tool\n` +
        'Nice=5\nPrivateTmp=true\n\n[Unit]\n',
    )
    assert.deepEqual(readdirSync(workshop.at(`${top}/units`)), [
      'late@.service',
      'multi-user.target.wants',
      'other.timer',
      'timers.target.wants',
      'web.service',
    ])
    assert.equal(readlinkSync(workshop.at(`${top}/units/timers.target.wants/other.timer`)), '../other.timer')
    assert.equal(read('etc/web/a b.conf'), "it's $HOME\n")
    assert.equal(statSync(workshop.at(`${top}/etc/web/a b.conf`)).mode & 0o777, 0o555)
    assert.equal(readlinkSync(workshop.at(`${top}/etc/web/tool`)), stored)
    assert.equal(read('thymesh/etc-files'), 'web/a b.conf\nweb/tool\n')
    assert.equal(readlinkSync(workshop.at(`${top}/sw/bin/tool`)), `${stored}/bin/tool`)
    assert.deepEqual([read('name'), read('system'), read('thymesh/target')], ['shop', thisSystem, 'portable'])

    const closure = succeeded(await workshop.run('nix-store', ['-qR', top]))
    assert.deepEqual(closure.trim().split('\n').sort(), [stored, top].sort())
  })

  it('names the programs that it needs of the machine, and no file where there are none', async () => {
    const needs = `[ "podman" { programs = [ "Xorg" "X" ]; package = "xserver-xorg"; } { programs = [ "/usr/sbin/tool" ]; } ]`
    const read = async (modules: Record<string, string>) => {
      const top = await workshop.build(project(modules), 'shop')
      return readdirSync(workshop.at(`${top}/thymesh`)).includes('needs')
        ? readFileSync(workshop.at(`${top}/thymesh/needs`), 'utf8')
        : undefined
    }
    assert.equal(
      await read({ web: `{ needs = ${needs}; }`, other: '{ needs = [ "sshd" ]; }' }),
      'sshd sshd other\npodman podman web\nXorg|X xserver-xorg web\n/usr/sbin/tool /usr/sbin/tool web\n',
    )
    assert.equal(await read({ web: '{ needs = [ ]; }' }), undefined)
  })

  it('is the same for the same config, whatever else the project has', async () => {
    const one = project({ web: '{ etc.a.text = "a"; }' })
    const first = await workshop.build(one, 'shop')
    workshop.write(one, { 'README.md': 'new', 'configs/other.json': { system: thisSystem } })
    assert.equal(await workshop.build(one, 'shop'), first)
  })

  it('takes a text that no environment variable could hold', async () => {
    const text = 'builtins.concatStringsSep "" (builtins.genList (_: "0123456789") 30000)'
    const top = await workshop.build(project({ web: `{ etc.big.text = ${text}; }` }), 'shop')
    assert.equal(statSync(workshop.at(`${top}/etc/big`)).size, 300_000)
  })

  it('refuses the same unit or /etc file from two modules and names both', async () => {
    const unit = '{ units."a.service".text = ""; }'
    assert.match(await refusal({ one: unit, two: unit }), /a\.service.*modules\/one\.nix and modules\/two\.nix/)
    const etc = '{ etc."a.conf".text = ""; }'
    assert.match(await refusal({ one: etc, two: etc }), /a\.conf.*modules\/one\.nix and modules\/two\.nix/)
    const below = await refusal({ one: '{ etc.a.source = ./.; }', two: '{ etc."a/b".text = ""; }' })
    assert.match(below, /modules\/two\.nix: etc\."a\/b": lies below etc\."a" of modules\/one\.nix/)
  })

  it('refuses two packages with the same program', async () => {
    const other = replaceOnce(tool, "'#!/bin/sh'", 'other')
    const { code, stderr } = await workshop.nix(
      'build',
      project({ web: `{ packages = [ (${tool}) (${other}) ]; }` }),
      'thymesh.configs.shop',
      '--no-link',
    )
    assert.notEqual(code, 0)
    assert.match(stderr, /two packages of config shop have a program tool/)
  })

  const wrong: Record<string, [string, RegExp]> = {
    'a path that leaves /etc': ['{ etc."../a".text = ""; }', /web\.nix: etc\."\.\.\/a": expected a path below \/etc/],
    "Thymesh's own path": ['{ etc."thymesh/boot".text = ""; }', /etc\."thymesh\/boot": the path is Thymesh's own/],
    "Thymesh's own unit": ['{ units."thymesh-boot.service".text = ""; }', /the name is Thymesh's own/],
    'a file with text and source': ['{ etc.a = { text = ""; source = ./.; }; }', /expected either `text` or `source`/],
    'a unit without a kind': ['{ units.web.text = ""; }', /units\."web": isn't a unit's name/],
    'an unknown key of a unit': ['{ units."a.service".service = { }; }', /a\.service": unknown service; expected text/],
    'a value with a line break': [
      '{ units."a.service".Service.ExecStart = "a\\nb"; }',
      /Service\.ExecStart: a value can't have a line break/,
    ],
    'a template that is wanted': [
      '{ units."a@.service" = { text = ""; wantedBy = [ "b.target" ]; }; }',
      /a template can't be wanted/,
    ],
    'a need without a program': [
      '{ needs = [ { package = "podman"; } ]; }',
      /web\.nix: needs: expected a program's name, or/,
    ],
    'a need of two words': ['{ needs = [ "podman run" ]; }', /web\.nix: needs: expected names of at most ten programs/],
    'needs that are no list': ['{ needs = "podman"; }', /web\.nix: needs: expected a list, got "podman"/],
    'an unknown key of the target': [
      '{ services = { }; }',
      /web\.nix: portable: unknown services; expected one of units/,
    ],
  }
  for (const [what, [body, said]] of Object.entries(wrong)) {
    it(`refuses ${what}`, async () => assert.match(await refusal({ web: body }), said))
  }

  it('refuses a wrong setting also where the module looks at none', async () => {
    const files = {
      'configs/shop.json': { modules: { web: { port: 1 } } },
      'modules/web.nix': '{ portable = _: { }; }',
    }
    const message = await workshop.evaluationError(workshop.project(files), 'thymesh.configs.shop.drvPath')
    assert.match(message, /configs\/shop\.json: modules\.web: unknown port; expected one of none/)
  })

  it('refuses a module that says nothing for this target', async () => {
    const files = { 'configs/shop.json': { modules: { web: {} } }, 'modules/web.nix': '{ nixos = _: { }; }' }
    const message = await workshop.evaluationError(workshop.project(files), 'thymesh.configs.shop.drvPath')
    assert.match(message, /modules\/web\.nix: has no `portable` function, but config shop has the target portable/)
  })
})
