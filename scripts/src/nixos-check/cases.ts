/** The cases of scripts/nixos-check: Nix expressions, each of a derivation's path, by kind and name. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { allModules, modulesWithNixpkgs as modules } from '../../../test/nix/all-modules.ts'
import type { Files } from '../../../test/nix/workshop.ts'

export interface Case {
  kind: 'system' | 'module' | 'device type' | 'image' | 'example' | 'flake'
  name: string
  /** Of a string: the path of the derivation that a build would begin with. */
  expression: string
  /** Whether Nix reads in it what it writes to its store. */
  writes?: boolean
}

/** Images that each device type has. */
const formats: Readonly<Record<string, readonly string[]>> = {
  'generic-x86-64': ['raw', 'iso', 'vm'],
  'generic-aarch64': ['raw', 'iso', 'vm'],
  'raspberry-pi-3': ['sd-card'],
  'raspberry-pi-4': ['sd-card'],
  'raspberry-pi-5': ['sd-card'],
  'virtual-machine': ['raw', 'vm'],
}

/** The project whose configs the cases name. */
export const projectFiles: Files = {
  ...allModules.files,
  // As public configurations write it: a string, where Thymesh has a list.
  'nix/greeting.nix':
    '{ pkgs, ... }: { environment.systemPackages = [ pkgs.htop ]; nix.settings.experimental-features = "nix-command flakes"; }\n',
  'configs/all.json': {
    type: 'generic-x86-64',
    target: 'nixos',
    modules: { ...modules, 'custom-nix': allModules.modules['custom-nix'] },
  },
  'configs/named.json': { type: 'virtual-machine', target: 'nixos', perDevice: true, modules: { device: {} } },
  'configs/wayland.json': {
    type: 'generic-x86-64',
    target: 'nixos',
    modules: { kiosk: { ...modules.kiosk, display: 'wayland' } },
  },
  'devices/north.json': { config: 'named' },
  ...Object.fromEntries(
    Object.entries(modules).map(([name, settings]) => [
      `configs/with-${name}.json`,
      { type: 'generic-x86-64', target: 'nixos', modules: { [name]: settings } },
    ]),
  ),
  ...Object.fromEntries(Object.keys(formats).map(type => [`configs/on-${type}.json`, { type, target: 'nixos' }])),
}

/** All cases for a nixpkgs, a project with `projectFiles`, and Thymesh's own sources. */
export function cases({
  nixpkgs,
  project,
  repository,
}: {
  readonly nixpkgs: string
  readonly project: string
  readonly repository: string
}): Case[] {
  const packages = (system: string) => `import ${nixpkgs} { system = "${system}"; config = { }; }`
  const lib = `(import ${nixpkgs}/lib // { nixosSystem = given: import ${nixpkgs}/nixos/lib/eval-config.nix ({ system = null; } // given); })`
  const fleet = (from: string) =>
    `((import ${repository}/nix/lib).mkFleet { project = ${from}; inputs.thymesh-source = ${repository}; nixpkgs = { outPath = ${nixpkgs}; lib = ${lib}; }; }).thymesh`
  const ours = fleet(project)
  const system = (module: string) =>
    `(${lib}.nixosSystem { system = "x86_64-linux"; modules = [ ${module} { system.stateVersion = "25.11"; documentation.enable = false; boot.loader.grub.enable = false; fileSystems."/" = { device = "/dev/sda1"; fsType = "ext4"; }; } ]; }).config.system.build.toplevel.drvPath`
  const config = (name: string) => `${ours}.configs.${name}.drvPath`
  const one = (kind: Case['kind'], name: string, expression: string): Case => ({ kind, name, expression })
  return [
    one(
      'flake',
      'packages.x86_64-linux',
      `((${packages('x86_64-linux')}).callPackage ${repository}/nix/package.nix { }).drvPath`,
    ),
    one(
      'flake',
      'packages.aarch64-linux',
      `((${packages('aarch64-linux')}).callPackage ${repository}/nix/package.nix { }).drvPath`,
    ),
    one(
      'flake',
      'overlays.default',
      `(import ${nixpkgs} { system = "x86_64-linux"; config = { }; overlays = [ ((import ${repository}/nix/flake.nix).outputs { self = { }; }).overlays.default ]; }).thymesh.drvPath`,
    ),
    one(
      'flake',
      'nixosModules.node',
      system(`${repository}/nix/nixos/node.nix { services.thymesh.node.enable = true; }`),
    ),
    one(
      'flake',
      'nixosModules.controller',
      system(`${repository}/nix/nixos/controller.nix { services.thymesh.controller.enable = true; }`),
    ),
    one('system', 'all', config('all')),
    one('system', 'named--north', config('named--north')),
    ...Object.keys(modules).map(name => ({
      ...one('module', name, config(`with-${name}`)),
      // Nix that stands in a setting becomes a file of the store first.
      ...(name === 'custom-nix' && { writes: true }),
    })),
    one('module', 'kiosk of Wayland', config('wayland')),
    ...Object.keys(formats).map(type => one('device type', type, config(`on-${type}`))),
    ...Object.entries(formats).flatMap(([type, all]) =>
      all.map(format => one('image', `${type} ${format}`, `${ours}.images.on-${type}.${format}.drvPath`)),
    ),
    ...examples(repository).flatMap(({ example, name, images }) => {
      const its = fleet(join(repository, 'examples', example))
      return [
        one('example', `${example} ${name}`, `${its}.configs.${name}.drvPath`),
        ...images.map(format =>
          one('example', `${example} ${name} ${format}`, `${its}.images.${name}.${format}.drvPath`),
        ),
      ]
    }),
  ]
}

/** The configs of the examples that are NixOS, also those that one device has for itself. */
function examples(repository: string): { example: string; name: string; images: readonly string[] }[] {
  const all = join(repository, 'examples')
  return readdirSync(all).flatMap(example => {
    const read = (folder: string, file: string) => JSON.parse(readFileSync(join(all, example, folder, file), 'utf8'))
    const files = (folder: string) => readdirSync(join(all, example, folder)).filter(file => file.endsWith('.json'))
    // A folder of several, such as migrate, is no project.
    if (!existsSync(join(all, example, 'configs'))) return []
    return files('configs').flatMap(file => {
      const { target, type } = read('configs', file) as { target?: string; type?: string }
      if (target !== 'nixos') return []
      const name = file.replace('.json', '')
      const own = files('devices')
        .filter(device => read('devices', device).config === name && read('devices', device).modules !== undefined)
        .map(device => `${name}--${device.replace('.json', '')}`)
      return [name, ...own].map(config => ({ example, name: config, images: formats[type ?? ''] ?? [] }))
    })
  })
}
