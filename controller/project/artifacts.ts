/** Artifacts: files and folders below artifacts/ that configs put on devices. None may lead out of it. */

import { lstat, open, readdir, readlink, realpath } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { readUpTo } from '../../node/files/file-io.ts'
import { foreignText, foreignTextBytes } from './foreign-text.ts'

export interface Artifact {
  /** Below artifacts/. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** Bytes; of a folder, of all files in it. */
  readonly size: number
}

export const artifactsFolder = 'artifacts'

/** The problem of an artifact's path; nothing when it exists and stays in artifacts/, links followed. */
export async function artifactProblem(directory: string, path: string): Promise<string | undefined> {
  const folder = join(directory, artifactsFolder)
  if (path.startsWith('/') || path.split('/').some(part => part === '..' || part === '.' || part === '')) {
    return `expected a path below ${artifactsFolder}/ without . or .., got ${JSON.stringify(path)}`
  }
  const file = join(folder, path)
  const about = await lstat(file).catch(() => undefined)
  if (about === undefined) return `there is no ${artifactsFolder}/${path}`
  return await outside(directory, file)
}

/** The file of an artifact, links followed; nothing where there is none, or it leads out of artifacts/. */
export async function artifactFile(directory: string, path: string): Promise<string | undefined> {
  if (path.includes('\0')) return undefined
  const folder = await realpath(join(directory, artifactsFolder)).catch(() => undefined)
  const file = folder && (await realpath(join(folder, path)).catch(() => undefined))
  return folder && file && isBelow(folder, file) && (await lstat(file)).isFile() ? file : undefined
}

/** The first link at or below a path that leads out of artifacts/. */
async function outside(directory: string, file: string): Promise<string | undefined> {
  const folder = join(directory, artifactsFolder)
  const about = await lstat(file)
  const name = relative(directory, file)
  if (about.isSymbolicLink()) {
    const target = await realpath(file).catch(() => undefined)
    if (target === undefined) return `${name} is a link to ${await readlink(file)}, which isn't there`
    if (isBelow(await realpath(folder), target)) return undefined
    return `${name} is a link that leads out of ${artifactsFolder}/, to ${await readlink(file)}`
  }
  // A folder above may be a link itself.
  if (!isBelow(await realpath(folder), await realpath(file))) {
    return `${name} lies in a folder that leads out of ${artifactsFolder}/: ${relative(directory, dirname(file))}`
  }
  if (!about.isDirectory()) {
    if (!about.isFile()) return `${name} is neither a file nor a folder`
    const foreign = foreignText(await beginningOf(file))
    return foreign && `${name} ${foreign}`
  }
  for (const entry of await readdir(file)) {
    const found = await outside(directory, join(file, entry))
    if (found !== undefined) return found
  }
  return undefined
}

async function beginningOf(file: string): Promise<Uint8Array> {
  const handle = await open(file)
  try {
    return await readUpTo(handle, foreignTextBytes, 0)
  } finally {
    await handle.close()
  }
}

function isBelow(folder: string, file: string): boolean {
  const way = relative(resolve(folder), resolve(file))
  return way !== '..' && !way.startsWith(`..${sep}`) && !way.startsWith('/')
}

/** All that is directly in artifacts/. */
export async function listArtifacts(directory: string): Promise<Artifact[]> {
  const folder = join(directory, artifactsFolder)
  const names = (await readdir(folder).catch(() => [])).filter(name => !name.startsWith('.')).sort()
  return await Promise.all(
    names.map(async path => {
      const isFolder = (await lstat(join(folder, path))).isDirectory()
      return { path, kind: isFolder ? ('folder' as const) : ('file' as const), size: await sizeOf(join(folder, path)) }
    }),
  )
}

async function sizeOf(file: string): Promise<number> {
  const about = await lstat(file)
  if (!about.isDirectory()) return about.size
  const sizes = await Promise.all((await readdir(file)).map(name => sizeOf(join(file, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}
