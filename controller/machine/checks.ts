/** Checks of any machine: whether keys and secrets are safe on it, its clock, and its Nix. */

import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessMissing } from '../../node/files/missing.ts'
import { runProgram } from '../../node/process/run-program.ts'
import { type Check, well, wrong } from './check.ts'
import { plainSwap } from './swap.ts'

export interface Machine {
  /** `/` but in tests. */
  readonly root: string
  /** Folders with keys and states. */
  readonly folders: readonly string[]
  readonly now: Date
  /** What `nix --version` prints; rejects where there is no nix. */
  nixVersion(): Promise<string>
}

/** Of the Nix programs that Thymesh can use. */
const leastNix = [2, 8] as const
const nixMs = 10_000
/** A file that was written a moment ago may be dated a little later than a clock that was just set. */
const clockSlackMs = 60_000
/** Folders below one with keys: `FLEET/keys/old`. */
const mostDepth = 4

export async function checkMachine(machine: Machine): Promise<Check[]> {
  const files = (await Promise.all(machine.folders.map(folder => keyFiles(folder, mostDepth)))).flat()
  return [await swap(machine), await coreDumps(machine), keyModes(files), clock(files, machine), await nix(machine)]
}

export async function nixVersion(): Promise<string> {
  return (await runProgram('nix', ['--version'], { timeoutMs: nixMs, lines: 1 })).stdout
}

async function swap({ root }: Machine): Promise<Check> {
  const places = await plainSwap(root)
  if (places.length === 0) return well('swap', 'no swap reaches a disk unencrypted')
  const message = `swap is on and not encrypted: ${places.join(', ')}; keys and secrets in memory can reach the disk`
  return wrong('swap', message, 'Turn it off (swapoff), encrypt it (crypttab with a random key), or use zram.')
}

async function coreDumps({ root }: Machine): Promise<Check> {
  const limits = (await unlessMissing(readFile(join(root, 'proc/self/limits'), 'utf8'))) ?? ''
  const [, limit = 'unknown'] = /^Max core file size\s+(\S+)/m.exec(limits) ?? []
  if (limit === '0') return well('core-dumps', 'this program dumps no core')
  const message = `expected a limit of 0 bytes for core dumps, got ${limit}: a crash would write keys to the disk`
  return wrong('core-dumps', message, 'Start thymesh by its own launcher, which sets the limit, or run: ulimit -c 0')
}

interface KeyFile {
  readonly path: string
  readonly mode: number
  readonly writtenMs: number
}

/** Private files of a folder, and the folders that they are in; nothing of what only another user may read. */
async function keyFiles(folder: string, depth: number): Promise<KeyFile[]> {
  const names = await readdir(folder).catch(() => [])
  const own = await fileAt(folder)
  const found: KeyFile[] = []
  for (const name of names) {
    const file = await fileAt(join(folder, name))
    if (file?.isFolder && depth > 0) found.push(...(await keyFiles(file.path, depth - 1)))
    else if (file !== undefined && name.endsWith('.key')) found.push(file)
  }
  return own !== undefined && found.some(({ path }) => path.startsWith(`${folder}/`)) ? [own, ...found] : found
}

async function fileAt(path: string): Promise<(KeyFile & { isFolder: boolean }) | undefined> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined || found.isSymbolicLink()) return undefined
  return { path, mode: found.mode & 0o777, writtenMs: found.mtimeMs, isFolder: found.isDirectory() }
}

function keyModes(files: readonly KeyFile[]): Check {
  const keys = files.filter(({ path }) => path.endsWith('.key'))
  const open = keys.filter(({ mode }) => (mode & 0o077) !== 0)
  if (open.length === 0) return well('key-files', `${keys.length} key files, for their owner alone`)
  const named = open.slice(0, 5).map(({ path, mode }) => `${path} (${mode.toString(8).padStart(4, '0')})`)
  const more = open.length > named.length ? ` and ${open.length - named.length} more` : ''
  const message = `expected key files of mode 0600, got ${named.join(', ')}${more}`
  return wrong('key-files', message, 'Run chmod 600 on them; if others use this machine, replace the keys.')
}

/** A clock that is behind what it has dated was set back, or has no battery. */
function clock(files: readonly KeyFile[], { now }: Machine): Check {
  const newest = files.reduce<KeyFile | undefined>(
    (a, b) => (a !== undefined && a.writtenMs >= b.writtenMs ? a : b),
    undefined,
  )
  const behind = newest !== undefined && newest.writtenMs > now.getTime() + clockSlackMs
  if (!behind) return well('clock', `${now.toISOString().slice(0, 19)}Z, and no key file is from later`)
  const at = new Date(newest.writtenMs).toISOString().slice(0, 19)
  const message = `the clock says ${now.toISOString().slice(0, 19)}Z, and ${newest.path} was written on ${at}Z`
  return wrong('clock', message, 'Set the clock: what is signed carries its date, and expiry is judged by it.')
}

async function nix(machine: Machine): Promise<Check> {
  const version = await machine.nixVersion().catch(() => undefined)
  const [, major, minor] = /\b(\d+)\.(\d+)/.exec(version ?? '') ?? []
  const least = leastNix.join('.')
  if (major === undefined) return wrong('nix', `expected Nix ${least} or newer, found none`, 'Install Nix.')
  const found = `${major}.${minor}`
  const isOld = Number(major) < leastNix[0] || (Number(major) === leastNix[0] && Number(minor) < leastNix[1])
  if (isOld) return wrong('nix', `expected Nix ${least} or newer, got ${found}`, 'Install a newer Nix.')
  return well('nix', `Nix ${found}`)
}
