/** Projects of NixOS configs against the stand-in for nixpkgs, whose systems boot. */

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Fleet } from '../../e2e/helpers/fleet.ts'
import { quickKernel } from './machine.ts'
import type { BootParts } from './parts.ts'

const standIn = join(import.meta.dirname, 'nixos')
const stub = join(import.meta.dirname, '../../nix/nixos-stub')

/** What a generation is: NixOS options in Nix, and the update's policy. */
export interface Generation {
  /** Tells it from others: the text of /etc/hello. */
  readonly hello: string
  /** The body of a NixOS module. */
  readonly nixos?: string
  /** Settings of the module `updates`. */
  readonly updates?: object
  /** More modules and their settings. */
  readonly modules?: object
}

const quick = { settleSeconds: 2, deadlineSeconds: 1800, peers: 1 }

/** Makes a founded fleet's project one of a NixOS config `gate` and a device of that name, with its inputs locked. */
export async function becomesNixos(
  operator: Fleet,
  parts: BootParts,
  first: Generation,
  places?: string,
): Promise<void> {
  const nixpkgs = join(operator.directory, 'nixpkgs')
  cpSync(standIn, nixpkgs, { recursive: true })
  cpSync(stub, join(nixpkgs, 'stub'), { recursive: true })
  for (const part of ['kernel', 'initrd']) cpSync(join(parts.directory, part), join(nixpkgs, part))
  if (places !== undefined) cpSync(places, join(nixpkgs, 'places.nix'))
  await operator.commit('A fleet of NixOS', {
    'flake.nix': `{
  inputs.thymesh.url = "github:thymesh/thymesh?dir=nix";
  inputs.nixpkgs.url = "path:${nixpkgs}";
  outputs = { self, thymesh, nixpkgs, ... }: thymesh.lib.mkFleet { project = self; inherit nixpkgs; };
}
`,
    'devices/first.json': undefined,
    'devices/gate.json': { config: 'gate' },
    'configs/hello.json': undefined,
    'modules/hello.nix': undefined,
    ...generationFiles(operator, first),
  })
  await operator.json('update', 'nixpkgs', '--commit')
}

export function generationFiles(
  operator: Fleet,
  { hello, nixos = '', updates = {}, modules = {} }: Generation,
): Record<string, object | string> {
  return {
    'nix/gate.nix': `{ lib, ... }: {
  environment.etc.hello.text = "${hello}\\n";
  boot.kernelParams = [ ${quickKernel.map(one => `"${one}"`).join(' ')} ];
  services.thymesh.node.settings = { bootstrap = [ "${operator.address}" ]; mdns = false; cache = false; log = "debug"; };
  imports = [ { ${nixos} } ];
}
`,
    'configs/gate.json': {
      type: 'virtual-machine',
      target: 'nixos',
      modules: { 'custom-nix': { files: ['nix/gate.nix'] }, updates: { ...quick, ...updates }, ...modules },
    },
  }
}
