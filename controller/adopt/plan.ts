/** The plan of an adoption: what will be done to this machine, or why it can't be adopted. */

import { nameSchema } from '../../protocol/encoding/fields.ts'
import { nameFrom } from '../fleet/names.ts'
import { size } from '../format/table.ts'
import { AdoptError } from './adopt-error.ts'
import type { Facts } from './facts.ts'
import { clockSeconds, clockWrongSeconds, usrKilobytes, varKilobytes } from './limits.ts'
import type { PackageFile } from './package-file.ts'

export interface Wishes {
  readonly name?: string | undefined
  readonly config?: string | undefined
  readonly site?: string | undefined
  readonly tags: readonly string[]
  /** Nix from the machine's own packages, or as it is there. */
  readonly nix: 'apt' | 'keep'
  readonly setClock: boolean
}

/** What the project and the fleet say about the device. */
export interface Declared {
  readonly fleet: string
  readonly configs: readonly string[]
  readonly devices: ReadonlyMap<string, { config: string; site?: string | undefined }>
  /** Members' names and peer IDs; empty where nobody knows them yet. */
  readonly members: ReadonlyMap<string, string>
}

export interface Plan {
  readonly name: string
  readonly config: string
  readonly site: string | null
  readonly tags: readonly string[]
  /** Whether devices/NAME.json will be written. */
  readonly declares: boolean
  /** An adoption that was cut off goes on. */
  readonly resumes: boolean
  /** The package to install; null where it is there already. */
  readonly package: PackageFile | null
  readonly installsNix: boolean
  readonly setsClock: boolean
  readonly steps: readonly string[]
  readonly warnings: readonly string[]
}

/** Throws an AdoptError where the machine can't become a device of this fleet. */
export async function makePlan(
  facts: Facts,
  wishes: Wishes,
  declared: Declared,
  findPackage: (architecture: string) => Promise<PackageFile>,
  now: Date,
): Promise<Plan> {
  requireSystem(facts)
  const name = nameOf(facts, wishes)
  requireFree(facts, name, declared)
  const { config, site, declares } = entryOf(name, wishes, declared)
  const skew = Math.round(facts.clock - now.getTime() / 1000)
  if (Math.abs(skew) > clockWrongSeconds && !wishes.setClock) throw clockWrong(skew)
  const found = facts.os === 'nixos' ? undefined : await findPackage(facts.architecture)
  const file = found === undefined || found.version === facts.thymesh ? null : found
  const installsNix = facts.nix === '' && wishes.nix === 'apt' && facts.os !== 'nixos'
  if (facts.nix === '' && !installsNix) throw noNix()
  if (file !== null) requireRoom(facts)
  const setsClock = wishes.setClock && Math.abs(skew) > 1
  const warnings = [
    ...(Math.abs(skew) > clockSeconds && !setsClock ? [`Its clock is ${inWords(skew)}; --set-clock sets it.`] : []),
    ...(facts.container === '' ? [] : [`It is a container (${facts.container}).`]),
    ...(facts.port4460 && !facts.daemon
      ? ['Another program listens at TCP port 4460: nobody will be able to dial it.']
      : []),
    ...(site !== null || declared.members.size === 0 ? [] : ['It has no site (--site): its network counts as one.']),
  ]
  const upgrade = facts.thymesh === '' ? '' : ` (now ${facts.thymesh})`
  const steps = [
    ...(setsClock ? [`set its clock, which is ${inWords(skew)}`] : []),
    ...(file === null ? [] : [`copy ${file.name} (${size(file.bytes)})`]),
    ...(installsNix ? ['install nix-bin with apt-get'] : []),
    ...(file === null ? [] : [`install thymesh ${file.version}${upgrade}: /usr/bin/thymesh, thymesh.service`]),
    `join the fleet as ${name}${site === null ? '' : ` at ${site}`}: the key is made there, and stays there`,
    'start the daemon, and sign its membership here',
    ...(declares ? [`write devices/${name}.json: config ${config}`] : []),
  ]
  const { tags } = wishes
  const resumes = facts.adopting !== undefined
  return { name, config, site, tags, declares, resumes, package: file, installsNix, setsClock, steps, warnings }
}

function requireSystem(facts: Facts): void {
  const is = facts.system || facts.os || facts.kernel
  const refuse = (why: string, hint: string) => {
    throw new AdoptError('unsupported-system', `expected Debian, Ubuntu or NixOS with systemd, got ${is}: ${why}`, {
      hint,
    })
  }
  const byHand = 'On another system, install the tarball, then run `thymesh join` there: see docs/install.md.'
  if (!facts.systemd) refuse('it does not run systemd, which activates systems', byHand)
  if (facts.os === 'nixos') {
    if (facts.unit && facts.program !== '') return
    throw new AdoptError(
      'needs-module',
      'expected a NixOS machine with the module of Thymesh, found no thymesh.service',
      {
        hint: 'Add services.thymesh.node.enable = true to its configuration (nixosModules.node of the flake), switch, then adopt it.',
      },
    )
  }
  const debian = facts.os === 'debian' || facts.os === 'ubuntu' || /\bdebian\b/.test(facts.like)
  if (!debian || facts.architecture === '') refuse('its packages are not .debs', byHand)
}

function nameOf(facts: Facts, wishes: Wishes): string {
  const name = wishes.name ?? facts.adopting ?? nameFrom(facts.host)
  if (wishes.name === undefined && ['localhost', 'debian', 'ubuntu', 'nixos', 'raspberrypi'].includes(name)) {
    throw new AdoptError('name-missing', `expected a name for the device, and the machine is called ${name}`, {
      hint: 'Give one: --name NAME.',
    })
  }
  if (nameSchema.safeParse(name).success) return name
  throw new AdoptError('name-missing', `expected a name of lowercase letters, digits and inner hyphens, got ${name}`, {
    hint: 'Give another one: --name NAME.',
  })
}

/** Whether the machine and the name are free, but for an adoption that goes on. */
function requireFree(facts: Facts, name: string, declared: Declared): void {
  const resumes = facts.adopting !== undefined
  if (resumes && (facts.adopting !== name || facts.adoptingFleet !== declared.fleet)) {
    throw new AdoptError(
      'other-adoption',
      `expected a machine that is not being adopted, got one half adopted as ${facts.adopting}`,
      {
        hint: `Go on with --name ${facts.adopting} in its fleet, or take it back with --undo.`,
      },
    )
  }
  if (facts.daemon && !resumes) {
    throw new AdoptError('member-already', 'expected a machine that is no device yet, and its daemon of Thymesh runs', {
      hint: 'See `thymesh members`. To let it join anew, stop it and remove /var/lib/thymesh there.',
    })
  }
  const holder = declared.members.get(name)
  if (holder === undefined || holder === facts.joined) return
  throw new AdoptError('name-taken', `expected a free name, and ${name} is a member already (${holder})`, {
    hint: 'Give another one (--name), or end that membership first: thymesh revoke NAME.',
  })
}

function entryOf(name: string, wishes: Wishes, { configs, devices }: Declared) {
  const entry = devices.get(name)
  const [only, ...others] = configs
  const config = wishes.config ?? entry?.config ?? (others.length === 0 ? only : undefined)
  if (config === undefined || !configs.includes(config)) {
    const got = config === undefined ? 'none' : config
    throw new AdoptError('config-missing', `expected one of the project's configs for ${name}, got ${got}`, {
      hint: `Give one: --config NAME. There are ${configs.join(', ') || 'none yet: thymesh config add NAME'}.`,
    })
  }
  if (entry !== undefined && entry.config !== config) {
    throw new AdoptError('name-taken', `devices/${name}.json gives it the config ${entry.config}, not ${config}`, {
      hint: 'Leave --config out, or change the file first: thymesh device set NAME config CONFIG.',
    })
  }
  return { config, site: wishes.site ?? entry?.site ?? null, declares: entry === undefined }
}

function requireRoom({ freeVar, freeUsr }: Facts): void {
  const lacks = freeVar < varKilobytes ? ['/var/lib', freeVar] : freeUsr < usrKilobytes ? ['/usr', freeUsr] : undefined
  if (lacks === undefined) return
  const [place = '', free] = lacks
  throw new AdoptError('disk-full', `expected 200 MB free at ${place} there, found ${size(Number(free) * 1024)}`, {
    hint: 'Make room on the machine, then run the command again.',
  })
}

function noNix(): AdoptError {
  return new AdoptError('no-nix', 'expected a machine with Nix 2.8 or newer, found none', {
    hint: 'Leave out --nix keep, so that nix-bin is installed, or install Nix there yourself.',
  })
}

function clockWrong(skew: number): AdoptError {
  return new AdoptError('clock-wrong', `the machine's clock is ${inWords(skew)}`, {
    hint: "Set it there, or let --set-clock set it to this machine's time.",
  })
}

function inWords(skew: number): string {
  const seconds = Math.abs(skew)
  const [count, unit] =
    seconds > 2 * 86_400
      ? [Math.round(seconds / 86_400), 'days']
      : seconds > 7200
        ? [Math.round(seconds / 3600), 'hours']
        : [seconds, 'seconds']
  return `${count} ${unit} ${skew < 0 ? 'behind' : 'ahead'}`
}
