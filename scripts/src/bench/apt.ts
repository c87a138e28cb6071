/** Debian's own tools: which packages a system needs, which versions the sources offer, and their files. */

import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BenchError } from './bench-error.ts'

const execute = promisify(execFile)

export interface DebianPackage {
  readonly name: string
  readonly version: string
}

/** Output of a program; large ones fit. */
export async function output(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { stdout } = await execute(program, [...args], { cwd, maxBuffer: 256 * 1024 ** 2 })
  return stdout
}

/** Installs missing programs, given as program → package. */
export async function ensurePrograms(programs: Readonly<Record<string, string>>): Promise<void> {
  const missing: string[] = []
  for (const [program, debian] of Object.entries(programs)) {
    await output('sh', ['-c', `command -v ${program}`]).catch(() => missing.push(debian))
  }
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) {
    throw new BenchError('not-root', `expected the programs of ${missing.join(', ')} to be installed`, {
      hint: `Run as root, or run: sudo apt-get install ${missing.join(' ')}`,
    })
  }
  // At run level 1 Debian's packages start no services: nginx and sshd would take ports of this machine.
  const environment = ['RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive']
  const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing]
  await output('env', [...environment, ...install]).catch(async () => {
    await output('apt-get', ['update', '-qq'])
    await output('env', [...environment, ...install])
  })
}

/** All packages that a machine with nothing on it needs for `seeds`, at the versions that apt would install. */
export async function resolvePackages(seeds: readonly string[], scratch: string): Promise<DebianPackage[]> {
  await mkdir(scratch, { recursive: true })
  const status = join(scratch, 'empty-dpkg-status')
  await writeFile(status, '')
  const install = [
    'install',
    '--print-uris',
    '-y',
    '-qq',
    '--no-install-recommends',
    '-o',
    `Dir::State::status=${status}`,
  ]
  const lines = (await output('apt-get', [...install, ...seeds])).split('\n')
  // 'uri' name_version_architecture.deb size hash
  const files = lines.flatMap(line => line.match(/^'[^']*' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb /)?.slice(1) ?? [])
  const packages: DebianPackage[] = []
  for (let i = 0; i + 1 < files.length; i += 2) {
    packages.push({ name: files[i] ?? '', version: decodeURIComponent(files[i + 1] ?? '') })
  }
  if (packages.length === 0) {
    throw new BenchError('apt-missing', 'expected apt to know its packages, got none', { hint: 'Run: apt-get update' })
  }
  return packages
}

/** Of each package the next older version that the sources offer, and where it comes from; none where there is one. */
export async function olderVersions(packages: readonly DebianPackage[]): Promise<Map<string, string>> {
  const offered = new Map<string, Set<string>>()
  for (const line of (await output('apt-cache', ['madison', ...packages.map(({ name }) => name)])).split('\n')) {
    const [name, version] = line.split('|').map(word => word.trim())
    if (name === undefined || version === undefined) continue
    offered.set(name, (offered.get(name) ?? new Set()).add(version))
  }
  const older = new Map<string, string>()
  for (const { name, version } of packages) {
    let best: string | undefined
    for (const candidate of offered.get(name) ?? []) {
      if (!(await isLess(candidate, version))) continue
      if (best === undefined || (await isLess(best, candidate))) best = candidate
    }
    if (best !== undefined) older.set(name, best)
  }
  return older
}

/** Downloads packages into a directory, what is there already excepted; returns package → file. */
export async function download(packages: readonly DebianPackage[], directory: string): Promise<Map<string, string>> {
  await mkdir(directory, { recursive: true })
  // apt itself skips files that are whole.
  const wanted = packages.map(({ name, version }) => `${name}=${version}`)
  await output('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...wanted], directory)
  const names = (await output('ls', [directory])).split('\n')
  const found = new Map<string, string>()
  for (const { name, version } of packages) {
    const start = `${name}_${version.replace(':', '%3a')}_`
    const file = names.find(candidate => candidate.startsWith(start) && candidate.endsWith('.deb'))
    if (file !== undefined) found.set(name, join(directory, file))
  }
  return found
}

/** Fields of a package file. */
export async function controlOf(file: string): Promise<{ dependencies: string[]; provides: string[] }> {
  const text = await output('dpkg-deb', ['-f', file])
  const field = (name: string) => {
    const value = text.match(new RegExp(`^${name}: (.*(?:\n .*)*)`, 'm'))?.[1] ?? ''
    // The first of alternatives; versions and architectures are apt's business.
    const words = value.split(',').map(word => word.trim().split(/[\s(:|]/)[0] ?? '')
    return words.filter(word => word !== '')
  }
  return { dependencies: [...field('Pre-Depends'), ...field('Depends')], provides: field('Provides') }
}

async function isLess(a: string, b: string): Promise<boolean> {
  return output('dpkg', ['--compare-versions', a, 'lt', b]).then(
    () => true,
    () => false,
  )
}
