/** The built-in modules: their page is fresh, and all of them together make a portable system that systemd understands. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseSettings } from '../../node/settings/settings.ts'
import { rebootPolicySchema } from '../../protocol/release/reboot-policy.ts'
import { updatePolicySchema } from '../../protocol/release/update-policy.ts'
import { builtinModules, builtinModulesPage } from '../../scripts/src/builtin-modules.ts'
import { unitFile } from '../../scripts/src/package/unit.ts'
import { allModules, podmanOptions } from './all-modules.ts'
import { nixSkip, succeeded, thisSystem, Workshop } from './workshop.ts'

describe('built-in modules', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const project = workshop.project({
    ...allModules.files,
    'configs/all.json': { system: thisSystem, modules: allModules.modules },
    'configs/wayland.json': {
      system: thisSystem,
      modules: { kiosk: { ...allModules.modules.kiosk, display: 'wayland' } },
    },
    'nix/own.nix': '_: { leave.own.script = "echo bye"; needs = [ "own-program" ]; }\n',
    'configs/own.json': { system: thisSystem, modules: { 'custom-nix': { files: ['nix/own.nix'] } } },
    'configs/bare.json': {
      system: thisSystem,
      modules: { updates: {}, thymesh: {}, device: {}, access: {}, files: {} },
    },
  })
  let top = ''
  const text = (path: string) => readFileSync(workshop.at(join(top, path)), 'utf8')
  before(async () => {
    top = await workshop.build(project, 'all')
  })

  it('are told in docs/builtin-modules.md as they are', async () => {
    const hint = 'docs/builtin-modules.md is stale: node scripts/src/builtin-modules.ts'
    assert.equal(readFileSync(builtinModulesPage, 'utf8'), await builtinModules(), hint)
  })

  it('have a mapping for both targets, and titles in English and German', async () => {
    const modules = (await workshop.evaluate(project, 'thymesh.modules')) as Record<string, Description>
    assert.deepEqual(Object.keys(modules), Object.keys(allModules.modules).sort())
    for (const [name, module] of Object.entries(modules)) {
      assert.deepEqual(module.targets, ['nixos', 'portable'], name)
      assert.ok(module.displayName.de && module.description.de && module.category && module.icon, name)
      for (const [key, setting] of Object.entries(module.settings)) assert.ok(setting.displayName.de, `${name}.${key}`)
    }
  })

  it('make units that systemd understands', () => {
    const units = readdirSync(workshop.at(`${top}/units`)).filter(name => /\.(service|timer)$/.test(name))
    assert.ok(units.includes('bash-hello.timer') && units.includes('container-web.service'), units.join(' '))
    // Only complaints of syntax: what the units run isn't on this machine.
    const complaints = units.flatMap(unit => {
      try {
        execFileSync('systemd-analyze', ['verify', '--man=no', workshop.at(`${top}/units/${unit}`)], { stdio: 'pipe' })
        return []
      } catch (thrown) {
        return String((thrown as { stderr?: Buffer }).stderr).split('\n')
      }
    })
    assert.deepEqual(
      complaints.filter(line => /Unknown|Failed to parse|Invalid|Missing '='|bad|ignoring/i.test(line)),
      [],
    )
  })

  it('write shell that the shell understands', () => {
    let scripts = 0
    for (const unit of readdirSync(workshop.at(`${top}/units`)).filter(name => name.endsWith('.service'))) {
      const script = /^ExecStart=\/bin\/sh -euc "(.*)"$/m.exec(text(`units/${unit}`))?.[1]
      if (script === undefined) continue
      scripts++
      const plain = script.replace(/\\n/g, '\n').replace(/\\"/g, '"').replace(/%%/g, '%').replace(/\$\$/g, '$')
      execFileSync('sh', ['-n'], { input: plain.replace(/\\\\/g, '\\') })
    }
    assert.ok(scripts > 0, 'some unit has a script')
    execFileSync('sh', ['-n', workshop.at(`${top}/etc/thymesh-kiosk/session`)])
  })

  it('keep every secret out of the store', () => {
    const written = JSON.stringify(
      [...readdirSync(workshop.at(`${top}/units`))]
        .filter(name => name.endsWith('.service'))
        .map(name => text(`units/${name}`)),
    )
    assert.match(written, /\/run\/thymesh\/secrets\/wifi/)
    assert.match(text('etc/wpa_supplicant/thymesh.conf'), /psk=ext:password_0/)
  })

  it('give an update policy and settings that the daemon takes', async () => {
    const fleet = (await workshop.evaluate(project, 'thymesh.fleet')) as {
      configs: Record<string, { policy: { reboot?: unknown } | undefined }>
    }
    // The release says it beside the policy, for daemons that know it.
    const { reboot, ...said } = fleet.configs.all?.policy ?? {}
    assert.deepEqual(rebootPolicySchema.parse(reboot), {
      when: 'when-needed',
      windows: [{ cron: '0 4 * * *', minutes: 30, timeZone: 'Europe/Berlin' }],
    })
    const policy = updatePolicySchema.parse(said)
    assert.equal(policy.health?.probes?.length, 5)
    assert.equal(fleet.configs.bare?.policy, undefined)
    assert.equal(parseSettings(JSON.parse(text('etc/thymesh-node.json')), 'test').log, 'debug')
    const bare = await workshop.build(project, 'bare')
    parseSettings(JSON.parse(readFileSync(workshop.at(`${bare}/etc/thymesh-node.json`), 'utf8')), 'test')
  })

  it("bring the daemon, with the unit of a machine's package", async () => {
    const unit = text('units/thymesh.service')
    const [, program = ''] = /^ExecStart=(\/nix\/store\/[^/]+)\/bin\/thymesh node$/m.exec(unit) ?? []
    // The order of the lines that harden it differs.
    const lines = (all: string) => all.trimEnd().split('\n').sort()
    assert.deepEqual(lines(unit), lines(await unitFile(program)))
    assert.ok(existsSync(workshop.at(`${top}/units/multi-user.target.wants/thymesh.service`)))
  })

  it('take the daemon from the tarball, as an input of the project', async () => {
    const tree = workshop.project({
      'lib/thymesh/system': thisSystem,
      'lib/thymesh/node/bin/node': '',
      'bin/thymesh': '',
    })
    cpSync(join(import.meta.dirname, '../../nix'), join(tree, 'lib/thymesh/nix'), { recursive: true })
    execFileSync('tar', ['-czf', `${tree}.tar.gz`, '-C', dirname(tree), basename(tree)])
    const own = workshop.project({
      'flake.nix': `{
        inputs.thymesh.url = "path:./nix";
        inputs.program.url = "file://${tree}.tar.gz?dir=lib/thymesh/nix";
        outputs = { self, thymesh, program, ... }: thymesh.lib.mkFleet { project = self; };
      }`,
      'configs/a.json': { system: thisSystem, modules: { thymesh: { package: 'program/thymesh' } } },
    })
    const built = await workshop.build(own, 'a')
    const unit = readFileSync(workshop.at(`${built}/units/thymesh.service`), 'utf8')
    const [, program = ''] = /^ExecStart=(.*) node$/m.exec(unit) ?? []
    assert.ok(existsSync(workshop.at(program)), program)
  })

  it('pass on all that a file of custom-nix gives', async () => {
    const own = await workshop.build(project, 'own')
    const read = (path: string) => readFileSync(workshop.at(join(own, path)), 'utf8')
    assert.match(read('thymesh/needs'), /^own-program /)
    assert.match(read('thymesh/leave/own'), /echo bye/)
  })

  it('set no password that is not a hash', async () => {
    const script = /chpasswd/.test(text('units/thymesh-passwords.service'))
    assert.ok(script && /is no password hash/.test(text('units/thymesh-passwords.service')))
  })

  it('say what containers, people, boards and screens need', () => {
    const web = text('units/container-web.service')
    for (const option of podmanOptions) assert.ok(web.includes(`"${option}"`), option)
    assert.match(web, /^After=container-base\.service$/m)
    assert.match(web, /^Requires=container-base\.service/m)
    assert.match(text('units/thymesh-users.service'), /usermod --append --groups .*dialout/)
    assert.match(text('etc/systemd/system.conf.d/10-thymesh.conf'), /^RuntimeWatchdogSec=15s$/m)
    assert.equal(text('etc/modules-load.d/thymesh.conf'), 'i2c-dev\n')
    assert.equal(text('etc/sysctl.d/90-thymesh.conf'), 'vm.swappiness = 10\n')
    assert.deepEqual(JSON.parse(text('etc/thymesh-screens.json')), { kiosk: { everyMinutes: 60 } })
    const session = text('etc/thymesh-kiosk/session')
    assert.match(session, /^unclutter -idle 1 &$/m)
    assert.match(session, /'--force-device-scale-factor=1\.5' 'https:/)
  })

  it('start a kiosk of Wayland by sway, with the page and the screen in its session', async () => {
    const wayland = await workshop.build(project, 'wayland')
    const of = (path: string) => readFileSync(workshop.at(join(wayland, path)), 'utf8')
    const sway = of('etc/thymesh-kiosk/sway')
    for (const line of [
      'output * mode 1920x1080',
      'output * transform 270',
      'seat * hide_cursor 1000',
      'exec /etc/thymesh-kiosk/session',
    ]) {
      assert.ok(sway.split('\n').includes(line), line)
    }
    const session = of('etc/thymesh-kiosk/session')
    execFileSync('sh', ['-n'], { input: session })
    assert.match(session, /'--ozone-platform=wayland' '--force-device-scale-factor=1\.5' 'https:/)
    assert.match(session, /exec wayvnc --config \/dev\/null --unix-socket \/run\/thymesh-screens\/kiosk\.sock/)
    assert.match(session, /swaynag \$on --layer overlay/)
    assert.doesNotMatch(session, /x11vnc|xrandr|unclutter|dzen2/)
    assert.match(of('units/kiosk.service'), /^ExecStart=\/usr\/bin\/env sway --config \/etc\/thymesh-kiosk\/sway$/m)
  })

  it('list which secrets go where', async () => {
    const fleet = (await workshop.evaluate(project, 'thymesh.fleet')) as {
      configs: Record<string, { secrets: { name: string; processing: string; owner: string }[] }>
    }
    const uses = fleet.configs.all?.secrets
      .map(({ name, processing, owner }) => `${name} ${processing} ${owner}`)
      .sort()
    assert.deepEqual(uses, [
      'anna yescrypt root',
      'env none root',
      'registry none root',
      'rootpw yescrypt root',
      'till-join none root',
      'tls none root',
      'vnc none kiosk',
      'wifi none root',
    ])
  })

  it("let a project's module replace one of them", async () => {
    const own = workshop.project({
      'modules/device.nix': '{ settings.x.type = "int"; portable = _: { }; }',
      'configs/a.json': { system: thisSystem, modules: { device: { x: 1 } } },
    })
    const modules = (await workshop.evaluate(own, 'thymesh.modules.device')) as { source: string; overrides: boolean }
    assert.deepEqual([modules.source, modules.overrides], ['project', true])
    succeeded(await workshop.nix('eval', own, 'thymesh.configs.a.drvPath'))
    assert.ok(existsSync(builtinModulesPage))
  })
})

interface Description {
  displayName: Record<string, string>
  description: Record<string, string>
  category: string | null
  icon: string | null
  targets: string[]
  settings: Record<string, { displayName: Record<string, string> }>
}
