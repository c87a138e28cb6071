/**
 * The target nixos, against a stand-in for nixpkgs that knows the options by name and type: a misspelt option or a wrong
 * type fails. With THYMESH_NIXPKGS, the same against that nixpkgs.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { allModules, podmanOptions } from './all-modules.ts'
import { type Files, nixSkip, succeeded, Workshop } from './workshop.ts'

const repository = join(import.meta.dirname, '../..')
const stub = join(import.meta.dirname, 'nixos-stub')

const files: Files = {
  ...allModules.files,
  'nix/greeting.nix': '{ pkgs, ... }: { environment.systemPackages = [ pkgs.htop ]; }\n',
  'configs/all.json': { type: 'generic-x86-64', target: 'nixos', modules: allModules.modules },
  'configs/named.json': { type: 'virtual-machine', target: 'nixos', perDevice: true, modules: { device: {} } },
  'nix/former.nix': '{ services.thymesh.node.usbBundles = true; }\n',
  'configs/former.json': {
    type: 'virtual-machine',
    target: 'nixos',
    modules: { 'custom-nix': { files: ['nix/former.nix'] }, thymesh: { port: 4470 } },
  },
  'configs/wayland.json': {
    type: 'virtual-machine',
    target: 'nixos',
    modules: { kiosk: { url: 'https://example.org/', display: 'wayland', rotation: 'right', screen: true } },
  },
  'devices/north.json': { config: 'named' },
  ...Object.fromEntries(
    ['generic-x86-64', 'generic-aarch64', 'raspberry-pi-3', 'raspberry-pi-4', 'raspberry-pi-5', 'virtual-machine'].map(
      type => [`configs/on-${type}.json`, { type, target: 'nixos' }],
    ),
  ),
}

describe('the target nixos', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())

  const fleet = (project: string, more = '') =>
    `((import ${repository}/nix/lib).mkFleet { project = ${project}; inputs = { }; ${more.includes('nixpkgs =') ? '' : `nixpkgs = import ${stub};`} ${more} }).thymesh`
  async function evaluate(project: string, attribute: string, more?: string): Promise<unknown> {
    const expression = `let thymesh = ${fleet(project, more)}; in ${attribute}`
    return JSON.parse(succeeded(await workshop.run('nix', ['eval', '--impure', '--json', '--expr', expression])))
  }
  async function refused(project: string, attribute: string): Promise<string> {
    const expression = `let thymesh = ${fleet(project)}; in ${attribute}`
    const { code, stdout, stderr } = await workshop.run('nix', ['eval', '--impure', '--json', '--expr', expression])
    assert.notEqual(code, 0, stdout)
    return stderr
  }
  const project = workshop.project(files)
  const all = (attribute: string) => evaluate(project, `thymesh.configs.all.config.${attribute}`)

  it('makes a system of all built-in modules, every option known and of its type', async () => {
    assert.match(String(await evaluate(project, 'thymesh.configs.all.outPath')), /top-level-all-25\.11$/)
    assert.equal(await all('networking.hostName'), 'kiosk')
    assert.deepEqual(await all('networking.interfaces.eth0.ipv4.addresses'), [
      { address: '10.0.0.2', prefixLength: 24 },
    ])
    assert.deepEqual(await all('networking.defaultGateway'), { address: '10.0.0.1', interface: 'eth0' })
    assert.deepEqual(await all('networking.wireless.networks.Shop.pskRaw'), 'ext:password_0')
    assert.deepEqual(await all('users.users.anna.extraGroups'), ['wheel', 'dialout'])
    assert.match(String(await all('users.users.thymesh-builder.shell')), /^\/nix\/store\/[^/]+\/bin\/thymesh-builder$/)
    assert.deepEqual(await all('virtualisation.oci-containers.containers.web.ports'), ['8080:80'])
    assert.deepEqual(await all('systemd.timers.bash-hello.timerConfig'), { OnCalendar: ['daily'], Persistent: true })
    assert.deepEqual(await all('services.displayManager.autoLogin'), { enable: true, user: 'kiosk' })
    assert.deepEqual(((await all('networking.firewall.allowedTCPPorts')) as number[]).sort(), [4460, 8080, 8081, 9100])
    const elsewhere = 'thymesh.configs.former.config.networking.firewall.allowedTCPPorts'
    assert.deepEqual(await evaluate(project, elsewhere), [4470], 'where the daemon listens')
  })

  it('names the device in a system of its own', async () => {
    assert.equal(await evaluate(project, 'thymesh.configs.named--north.config.networking.hostName'), 'north')
  })

  it('makes every device type, with its images', async () => {
    const images: Record<string, string[]> = {
      'generic-x86-64': ['iso', 'raw', 'vm'],
      'generic-aarch64': ['iso', 'raw', 'vm'],
      'raspberry-pi-3': ['sd-card'],
      'raspberry-pi-4': ['sd-card'],
      'raspberry-pi-5': ['sd-card'],
      'virtual-machine': ['raw', 'vm'],
    }
    const made = await evaluate(
      project,
      'builtins.mapAttrs (_: images: builtins.mapAttrs (_: image: image.outPath) images) thymesh.images',
    )
    for (const [type, formats] of Object.entries(images)) {
      const paths = (made as Record<string, Record<string, string>>)[`on-${type}`] ?? {}
      assert.deepEqual(Object.keys(paths), formats, type)
      for (const path of Object.values(paths)) assert.match(path, new RegExp(`^/nix/store/.*on-${type}`))
    }
  })

  it('starts its disk in QEMU by a script, as `vm create` and `try` call it', async () => {
    const script = String(await evaluate(project, 'thymesh.images.on-virtual-machine.vm.text'))
    assert.match(script, /disk=\$directory\/on-virtual-machine\.img\n/)
    assert.match(script, /\[ "\$\{2:-\}" != prepare \] \|\| exit 0\n/)
    assert.match(script, /THYMESH_VM_EMULATED.* = yes/)
    assert.match(script, /exec .*THYMESH_VM_MEMORY[\s\S]* -nic user,.*\$\{QEMU_OPTS:-\}\n?$/)
  })

  it('runs the daemon so that a switch leaves it alone and Nix and the switch work', async () => {
    const unit = (await all('systemd.services.thymesh')) as Record<string, unknown> & {
      serviceConfig: Record<string, unknown>
    }
    assert.equal(unit.restartIfChanged, false)
    assert.equal(unit.stopIfChanged, false)
    assert.deepEqual(unit.unitConfig, { 'X-StopOnRemoval': false })
    const { serviceConfig } = unit
    assert.equal(serviceConfig.StateDirectory, 'thymesh')
    assert.equal(serviceConfig.NoNewPrivileges, true)
    // The daemon writes profiles, /run/thymesh and, by the boot loader's installer, /boot.
    for (const key of ['ProtectSystem', 'PrivateUsers', 'PrivateNetwork', 'ReadOnlyPaths', 'User', 'DynamicUser']) {
      assert.ok(!(key in serviceConfig), key)
    }
    assert.ok(((await all('networking.firewall.allowedUDPPorts')) as number[]).includes(5353))
  })

  it('takes in bundles from sticks only where the settings say so', async () => {
    const rules = async (config: string) => {
      return String(await evaluate(project, `thymesh.configs.${config}.config.services.udev.extraRules`))
    }
    assert.match(await rules('all'), /ENV\{ID_FS_LABEL\}=="THYMESH\*".*thymesh-stick@%k\.service/)
    assert.match(await rules('former'), /thymesh-stick@/, 'by the former name of the option')
    assert.doesNotMatch(await rules('named--north'), /thymesh-stick/)
    const unit = (await all('systemd.services."thymesh-stick@"')) as Record<string, Record<string, unknown>>
    assert.deepEqual(unit.unitConfig?.BindsTo, ['dev-%i.device'])
    assert.deepEqual([unit.serviceConfig?.PrivateMounts, unit.serviceConfig?.NoNewPrivileges], [true, true])
    assert.match(
      String(unit.serviceConfig?.ExecStart),
      /\/bin\/thymesh \/dev\/%I \/run\/thymesh-stick-%i \/opt\/light$/,
    )
  })

  it('shows a new page of a kiosk at the switch, and starts a kiosk that is new', async () => {
    const unit = (await all('systemd.services.display-manager')) as Record<string, unknown>
    assert.equal(unit.restartIfChanged, true)
    assert.deepEqual(unit.wantedBy, ['multi-user.target'])
    assert.deepEqual([unit.after, unit.wants], [['thymesh-secrets.service'], ['thymesh-secrets.service']])
  })

  it('starts a kiosk of Wayland by a unit of its own, and no X server', async () => {
    const of = (attribute: string) => evaluate(project, `thymesh.configs.wayland.config.${attribute}`)
    const unit = (await of('systemd.services.kiosk')) as Record<string, Record<string, string>>
    assert.match(unit.serviceConfig?.ExecStart ?? '', /\/bin\/sway --config \/nix\/store\/kiosk-sway/)
    assert.deepEqual([unit.serviceConfig?.User, unit.serviceConfig?.TTYPath], ['kiosk', '/dev/tty1'])
    assert.deepEqual(unit.conflicts, ['getty@tty1.service'])
    assert.equal(await of('services.xserver.enable'), false)
  })

  it('starts containers after their secrets, and units again whose secrets are rotated', async () => {
    const container = (await all('systemd.services.podman-web')) as Record<string, string[]>
    assert.ok(
      container.after?.includes('thymesh-secrets.service') && container.wants?.includes('thymesh-secrets.service'),
    )
    const wifi = 'thymesh-wifi-secrets.service'
    assert.deepEqual(await all('systemd.services.wpa_supplicant-wlan0.partOf'), [wifi])
    const named = (unit: string) => all(`systemd.services.${unit}.unitConfig.X-Thymesh-Secrets`)
    assert.deepEqual(await named('thymesh-wifi-secrets'), ['/run/thymesh/secrets/wifi'])
    assert.equal(((await named('thymesh-passwords')) as string[]).length, 2)
  })

  it('says what containers, people and boards need', async () => {
    const web = (await all('virtualisation.oci-containers.containers.web')) as Record<string, unknown>
    assert.deepEqual(web.dependsOn, ['base'])
    assert.deepEqual(web.extraOptions, podmanOptions)
    assert.deepEqual(Object.keys((await all('users.groups')) as object), ['dialout', 'sshd', 'thymesh-builder'])
    assert.deepEqual(await all('systemd.settings.Manager'), { RuntimeWatchdogSec: '15s' })
    const pi = await evaluate(project, 'thymesh.configs.on-raspberry-pi-4.config.systemd.settings.Manager')
    assert.deepEqual(pi, { RuntimeWatchdogSec: '15s' })
    assert.deepEqual(await all('swapDevices'), [{ device: '/var/lib/swapfile', size: 512 }])
    assert.deepEqual(await all('boot.kernel.sysctl'), { 'vm.swappiness': '10' })
    assert.deepEqual(await all('boot.kernelModules'), { 'i2c-dev': true })
    assert.ok(((await all('boot.kernelParams')) as string[]).includes('quiet'))
  })

  it('counts boots where nixpkgs can, and calls one good once the daemon says so', async () => {
    const counting = await all('boot.loader.systemd-boot.bootCounting.enable').catch(String)
    assert.equal(counting, true)
    const good = (await all('systemd.services.thymesh-good-boot')) as Record<string, unknown>
    assert.deepEqual(
      [good.requiredBy, good.before, good.after],
      [['boot-complete.target'], ['boot-complete.target'], ['thymesh.service']],
    )
  })

  it("takes a module's own word for what Nix is allowed, whatever its form", async () => {
    const stringly = workshop.project({
      'nix/features.nix': '{ nix.settings.experimental-features = "nix-command flakes"; }',
      'configs/own.json': { target: 'nixos', modules: { 'custom-nix': { files: ['nix/features.nix'] } } },
    })
    const said = await evaluate(stringly, 'thymesh.configs.own.config.nix.settings.experimental-features')
    assert.equal(said, 'nix-command flakes')
  })

  it('keeps the join token of a card from everyone but root, beside options of nixpkgs', async () => {
    const options = await evaluate(project, 'thymesh.configs.on-raspberry-pi-4.config.fileSystems')
    const firmware = (options as Record<string, { options: string[] }>)['/boot/firmware']
    assert.ok(firmware?.options.includes('umask=0077'))
    // sd-image's own, at the same priority: an option that gave way would be lost.
    const merged = `let pkgs = import ${stub}; in (pkgs.lib.nixosSystem { system = "aarch64-linux"; modules = [ ${repository}/nix/nixos/layouts/sd-card.nix { fileSystems."/boot/firmware" = { device = "/dev/x"; fsType = "vfat"; options = [ "nofail" "noauto" ]; }; } ]; }).config.fileSystems."/boot/firmware".options`
    assert.ok(((await evaluate(project, merged)) as string[]).includes('umask=0077'))
  })

  it('refuses a nixpkgs that needs a newer Nix, and says what to do', async () => {
    const nixpkgs = workshop.project({
      'lib/minfeatures.nix': '{ missing = [ { description = "`builtins.nixVersion` reports at least 99"; } ]; }',
    })
    const wanting = `nixpkgs = import ${stub} // { outPath = ${nixpkgs}; };`
    const said = await evaluate(project, 'thymesh.configs.all.outPath', wanting).then(String, String)
    assert.match(said, /configs\/all\.json: the input nixpkgs needs a newer Nix than this one, \d/)
    assert.match(said, /reports at least 99.*install a newer Nix/)
  })

  it('has a controller, and a program that is built from an input', async () => {
    const system = (modules: string) =>
      `((import ${stub}).lib.nixosSystem { system = "x86_64-linux"; modules = [ { system.stateVersion = "25.11"; system.name = "hub"; } ${modules} ]; }).config`
    const controller = `${system(`${repository}/nix/nixos/controller.nix { services.thymesh.controller = { enable = true; operators = [ "anna" ]; cpuLimit = "50%"; }; }`)}`
    const [dht, trusted, quota] = (await evaluate(
      project,
      `let config = ${controller}; in builtins.seq config.system.build.toplevel.outPath [ config.services.thymesh.node.settings.dht config.nix.settings.trusted-users config.systemd.services.thymesh.serviceConfig.CPUQuota ]`,
    )) as unknown[]
    assert.deepEqual([dht, trusted, quota], ['server', ['root', 'anna'], '50%'])
    const path = await evaluate(
      project,
      'thymesh.configs.all.config.services.thymesh.node.package',
      'inputs = { thymesh-source = /nowhere; };',
    ).then(String, String)
    assert.match(path, /thymesh|sources/)
  })

  it('builds the program of npm packages by name, version and hash, of this machine only', async () => {
    const source = (name: string, ...attributes: string[]) =>
      `(let p = sources."node_modules/${name}"; in [ ${attributes.map(attribute => `p.${attribute}`).join(' ')} ])`
    const [outPath, zod, noise, names] = (await evaluate(
      project,
      `let pkgs = (import ${stub}).legacyPackages.x86_64-linux; lock = builtins.fromJSON (builtins.readFile ${repository}/package-lock.json); sources = pkgs.callPackage ${repository}/nix/npm-sources.nix { nodejs = "/nodejs"; } lock; in [ (pkgs.callPackage ${repository}/nix/package.nix { }).outPath ${source('zod', 'outputHash', 'buildCommand')} ${source('@chainsafe/libp2p-noise', 'name', 'buildCommand')} (builtins.attrNames sources) ]`,
    )) as [string, string[], string[], string[]]
    assert.match(outPath, /thymesh-\d/)
    const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')).packages
    const version = (name: string) => lock[`node_modules/${name}`].version
    assert.equal(zod[0], lock['node_modules/zod'].integrity)
    assert.match(zod[1] ?? '', new RegExp(`npm pack .* 'zod@${version('zod')}'`))
    assert.equal(noise[0], `chainsafe-libp2p-noise-${version('@chainsafe/libp2p-noise')}.tgz`)
    assert.match(noise[1] ?? '', /'@chainsafe\/libp2p-noise@\d/)
    const esbuild = names.filter(name => name.includes('@esbuild/'))
    assert.deepEqual(esbuild, ['node_modules/@esbuild/linux-x64'])
    assert.ok(!names.includes(''))
  })

  it('makes the systems and images of the examples that are NixOS', async () => {
    for (const [example, config, device] of [
      ['kiosk', 'screen', 'window'],
      ['qt6', 'panel', 'line-1'],
    ] as const) {
      const directory = join(repository, 'examples', example)
      const path = await evaluate(directory, `thymesh.configs.${config}.outPath`)
      assert.match(String(path), new RegExp(`top-level-${config}`))
      assert.match(String(await evaluate(directory, `thymesh.images.${config}.sd-card.outPath`)), /sd-image/)
      assert.equal(await evaluate(directory, `thymesh.fleet.devices.${device}.config`), config)
    }
    const panel = 'thymesh.configs.panel--line-2.config.services.cage'
    assert.deepEqual(await evaluate(join(repository, 'examples/qt6'), panel), {
      enable: true,
      environment: { PANEL_COLOUR: '#228855', PANEL_TITLE: 'Line 2' },
      program: '/nix/store/panel-1.0/bin/panel',
      user: 'panel',
    })
  })

  const wrong: [string, Files, string, RegExp][] = [
    [
      'a misspelt option, naming the module',
      { 'modules/typo.nix': '{ nixos = _: { networking.hostname = "x"; }; }' },
      'typo',
      /`networking\.hostname' does not exist\. Definition in modules\/typo\.nix/,
    ],
    [
      'a value of a wrong type',
      { 'modules/typo.nix': '{ nixos = _: { networking.timeServers = "x"; }; }' },
      'typo',
      /`networking\.timeServers' is not of type `list of string'/,
    ],
    [
      'a module for the other target only',
      { 'modules/typo.nix': '{ portable = _: { }; }' },
      'typo',
      /modules\/typo\.nix: has no `nixos` function, but config bad has the target nixos/,
    ],
  ]
  for (const [what, more, module, said] of wrong) {
    it(`refuses ${what}`, async () => {
      const bad = workshop.project({ ...more, 'configs/bad.json': { target: 'nixos', modules: { [module]: {} } } })
      assert.match(await refused(bad, 'thymesh.configs.bad.outPath'), said)
    })
  }

  it('says what to do without nixpkgs', async () => {
    const bad = workshop.project({ 'configs/bad.json': { target: 'nixos' } })
    const said = await workshop.evaluationError(bad, 'thymesh.configs.bad.outPath')
    assert.match(said, /configs\/bad\.json: target: nixos needs the flake's input nixpkgs/)
  })

  it("has modules and a package in Thymesh's own flake, which needs no input", async () => {
    const flake = `path:${repository}/nix`
    const names = async (output: string) =>
      JSON.parse(
        succeeded(await workshop.run('nix', ['eval', '--json', `${flake}#${output}`, '--apply', 'builtins.attrNames'])),
      )
    assert.deepEqual(await names('nixosModules'), ['controller', 'default', 'node'])
    assert.deepEqual(await names('packages.x86_64-linux'), ['default', 'thymesh'])
  })
})
