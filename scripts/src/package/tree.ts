/** The files of an installation below a prefix such as /usr: the bundle, its Node and addon, manual pages and completions. */

import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { bundle } from '../bundle.ts'
import type { Architecture } from './architecture.ts'
import { pinnedNode } from './pinned-node.ts'

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../../..')
/** Only its header files, for building. */
const unneeded = new Set(['napi-macros'])
const shells = { bash: 'bash-completion/completions/thymesh', zsh: 'zsh/vendor-completions/_thymesh' }

/** What is the same for all architectures, made once. */
export interface Common {
  /** The bundle's folder. */
  readonly dist: string
  /** Manual pages and completions, as below /usr. */
  readonly share: string
}

export async function withCommon<T>(work: (common: Common) => Promise<T>): Promise<T> {
  return await inEmptyFolder(async directory => {
    const [dist, share] = [join(directory, 'dist'), join(directory, 'share')]
    await bundle(dist)
    await makeShare(share)
    return await work({ dist, share })
  })
}

/** Gives work a folder that goes with its end. */
export async function inEmptyFolder<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-package-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function makeShare(share: string): Promise<void> {
  const cli = async (...args: string[]) => {
    const { stdout } = await run(process.execPath, [join(repository, 'controller/main.ts'), ...args], {
      maxBuffer: 1 << 24,
    })
    return stdout
  }
  const pages = join(share, 'man/man1')
  await cli('man-pages', pages)
  for (const page of await readdir(pages)) {
    await writeFile(join(pages, `${page}.gz`), zipped(await readFile(join(pages, page))))
    await rm(join(pages, page))
  }
  for (const [shell, place] of Object.entries({ ...shells, fish: 'fish/vendor_completions.d/thymesh.fish' })) {
    await mkdir(dirname(join(share, place)), { recursive: true })
    await writeFile(join(share, place), await cli('completion', shell))
  }
}

/** Without the time, so that the same text gives the same bytes. */
export function zipped(text: string | Uint8Array): Uint8Array {
  return gzipSync(text, { level: 9 })
}

/** Fills a prefix. */
export async function makeTree(prefix: string, architecture: Architecture, { dist, share }: Common): Promise<void> {
  const home = join(prefix, 'lib/thymesh')
  await mkdir(join(prefix, 'bin'), { recursive: true })
  await mkdir(home, { recursive: true })
  await cp(dist, join(home, 'dist'), { recursive: true })
  await cp(join(repository, 'nix'), join(home, 'nix'), { recursive: true })
  await cp(share, join(prefix, 'share'), { recursive: true })
  await cp(join(repository, 'package.json'), join(home, 'package.json'))
  // For nix/flake.nix: as an input of a project, the tree is a package of this system.
  await writeFile(join(home, 'system'), architecture.nix)
  await addModules(join(home, 'node_modules'), architecture)
  const unpacked = join(home, 'node')
  await pinnedNode(architecture.node, unpacked)
  await mkdir(join(prefix, 'share/doc/thymesh'), { recursive: true })
  const license = await readFile(join(unpacked, 'LICENSE'))
  await writeFile(join(prefix, 'share/doc/thymesh/node.copyright.gz'), zipped(license))
  await rm(join(unpacked, 'LICENSE'))
  await symlink('../lib/thymesh/dist/thymesh', join(prefix, 'bin/thymesh'))
}

/** What the bundle loads by itself: the database's addon, and what that needs. */
async function addModules(into: string, { level }: Architecture): Promise<void> {
  const added = new Set<string>()
  const add = async (name: string): Promise<void> => {
    if (added.has(name) || unneeded.has(name)) return
    added.add(name)
    const from = join(repository, 'node_modules', name)
    await cp(from, join(into, name), {
      recursive: true,
      filter: path => !/\/(?:deps|prebuilds|test|tests|node_modules)$/.test(path.slice(from.length)),
    })
    const { dependencies = {} } = JSON.parse(await readFile(join(from, 'package.json'), 'utf8'))
    for (const each of Object.keys(dependencies)) await add(each)
  }
  await add('classic-level')
  await removeSources(into)
  await run('find', [into, '-type', 'd', '-empty', '-delete'])
  const addon = join('classic-level/prebuilds', level)
  await mkdir(dirname(join(into, addon)), { recursive: true })
  await cp(join(repository, 'node_modules', addon), join(into, addon))
}

/** Nothing runs these: sources of the addon, types, notes. Licences stay, as copyright asks. */
async function removeSources(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /^licen[cs]e|\.c?js$|^package\.json$/i.test(entry.name)) continue
    await rm(join(entry.parentPath, entry.name))
  }
}

/** Modes and times that depend on nothing but the content. */
export async function settle(directory: string, epoch: number): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isSymbolicLink()) continue
    if (entry.isDirectory()) await chmod(path, 0o755)
    else await chmod(path, isProgram(path) ? 0o755 : 0o644)
    await utimes(path, epoch, epoch)
  }
  await chmod(directory, 0o755)
}

function isProgram(path: string): boolean {
  return /\/(?:dist\/thymesh|bin\/node|DEBIAN\/(?:postinst|prerm|postrm))$/.test(path)
}
