/** The benchmark's closures: a system of real Debian packages as Nix paths, its update, and its rebuild. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DebianPackage, download, ensurePrograms, olderVersions, output, resolvePackages } from './apt.ts'
import { BenchError } from './bench-error.ts'
import { type Part, partsOf } from './graph.ts'

/** The packages of the system: a device with a network, containers, a database and tools; the rest are dependencies. */
const SEEDS =
  `dash bash systemd systemd-sysv udev dbus openssh-server network-manager bluez mosquitto nginx postgresql-15 podman git
  python3 perl curl vim`.split(/\s+/)

/** A desk beside it: a browser, the largest program that gets updates every week, and what is around it. */
const DESKTOP_SEEDS = [...SEEDS, 'chromium', 'gnome-shell', 'libreoffice-writer']

/** The package whose hash alone changes in the rebuild: nearly everything depends on it. */
const REBUILT = 'libc6'

/** What builds them, as program → package. */
const programs = { 'nix-build': 'nix-bin', patchelf: 'patchelf', 'dpkg-deb': 'dpkg', perl: 'perl' }

/** Files that are kept between runs. */
export const cache = join(import.meta.dirname, '../../../.cache/bench')

/** Top-level store paths of a system and its update. */
export interface UpdateClosures {
  /** Packages at the next older version, where the sources have two. */
  readonly v1: string
  /** The same packages at the newest version. */
  readonly v2: string
  /** Packages that differ between v1 and v2. */
  readonly update: readonly { readonly name: string; readonly from: string; readonly to: string }[]
}

export interface BenchClosures extends UpdateClosures {
  /** `v1` again, with nothing but libc's hash changed, and so those of all that depend on it. */
  readonly rebuilt: string
}

/** The two versions of each package, chosen once for these seeds: a later run measures the same closures. */
interface Choice {
  readonly seeds: readonly string[]
  readonly v1: readonly DebianPackage[]
  readonly v2: readonly DebianPackage[]
}

/**
 * Builds the closures in the machine's own store, or finds them built. Needs apt, root and Nix; keeps package files and GC
 * roots under `.cache/bench`.
 *
 * @throws BenchError
 */
export async function buildClosures(say: (line: string) => void = () => {}): Promise<BenchClosures> {
  await ensurePrograms(programs)
  const choice = await chosenPackages(SEEDS, 'packages.json', say)
  const { older, ...closures } = await buildUpdate(choice, '', say)
  const rebuilt = older.parts.map(part => {
    return part.name === older.partOf.get(REBUILT) ? { ...part, salt: 'built once more' } : part
  })
  return { ...closures, rebuilt: await build('rebuilt', rebuilt, say) }
}

/** The same of a desktop with a browser: 2.5 GB, ten minutes the first time. Throws a BenchError. */
export async function buildDesktop(say: (line: string) => void = () => {}): Promise<UpdateClosures> {
  await ensurePrograms(programs)
  const choice = await chosenPackages(DESKTOP_SEEDS, 'packages-desktop.json', say)
  const { v1, v2, update } = await buildUpdate(choice, 'desktop-', say)
  return { v1, v2, update }
}

async function buildUpdate({ v1, v2 }: Choice, prefix: string, say: (line: string) => void) {
  const older = await described(v1, say)
  const newer = await described(v2, say)
  const fromVersion = new Map(v1.map(({ name, version }) => [name, version]))
  return {
    older,
    v1: await build(`${prefix}v1`, older.parts, say),
    v2: await build(`${prefix}v2`, newer.parts, say),
    update: v2.flatMap(({ name, version: to }) => {
      const from = fromVersion.get(name) ?? to
      return from === to ? [] : { name, from, to }
    }),
  }
}

async function chosenPackages(seeds: readonly string[], name: string, say: (line: string) => void): Promise<Choice> {
  const file = join(cache, name)
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const chosen: Partial<Choice> = JSON.parse(text)
  if (`${chosen.seeds}` === `${seeds}`) return chosen as Choice
  say('choosing packages')
  const v2 = await resolvePackages(seeds, cache)
  const older = await olderVersions(v2)
  if (older.size === 0) {
    throw new BenchError('no-update', 'expected apt sources with two versions of some packages, got one of each', {
      hint: 'Add the release, its updates and its security archive to the apt sources, then run: apt-get update',
    })
  }
  const v1 = v2.map(({ name, version }) => ({ name, version: older.get(name) ?? version }))
  await writeFile(file, JSON.stringify({ seeds, v1, v2 }))
  return { seeds, v1, v2 }
}

async function described(packages: readonly DebianPackage[], say: (line: string) => void) {
  say(`fetching ${packages.length} packages`)
  return partsOf(packages, await download(packages, join(cache, 'debs')))
}

async function build(name: string, parts: readonly Part[], say: (line: string) => void): Promise<string> {
  const system: Part = { name: 'bench-system', debs: [], deps: parts.map(part => part.name), salt: '' }
  const spec = join(cache, `${name}.json`)
  await mkdir(cache, { recursive: true })
  await writeFile(spec, JSON.stringify([...parts, system]))
  say(`building ${name}: ${parts.length + 1} paths`)
  const start = performance.now()
  const options = ['--option', 'build-users-group', '', '--option', 'sandbox', 'false', '--max-jobs', '2', '--quiet']
  const expression = join(import.meta.dirname, 'closures.nix')
  // The link is a GC root.
  const link = ['--out-link', join(cache, name)]
  const path = await output('nix-build', [expression, '--argstr', 'spec', spec, ...options, ...link])
  say(`built ${name} in ${((performance.now() - start) / 1000).toFixed(1)} s: ${path.trim()}`)
  return path.trim()
}

if (import.meta.main) {
  const { update } = await buildClosures(line => console.log(line))
  console.log(`the update holds ${update.length} packages:`)
  for (const { name, from, to } of update) console.log(`  ${name} ${from} → ${to}`)
}
