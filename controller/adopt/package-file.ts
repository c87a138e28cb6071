/** The package for a machine: a file that is named or lies in a usual place, else made anew of what is installed here. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { unlessMissing } from '../../node/files/missing.ts'
import { AdoptError } from './adopt-error.ts'
import { repackInstalled } from './repack.ts'

export interface PackageFile {
  readonly path: string
  readonly name: string
  readonly version: string
  readonly bytes: number
  readonly sha256: string
}

const fileName = /^thymesh_([0-9][0-9A-Za-z.+~]*)_(amd64|arm64)\.deb$/

/** Throws an AdoptError where there is none. */
export async function packageFor(architecture: string, named: string | undefined): Promise<PackageFile> {
  if (named !== undefined) {
    const found = await inPlace(named, architecture)
    if (found !== undefined) return found
    throw noPackage(architecture, `at ${named}`)
  }
  const places = [process.env.THYMESH_PACKAGES, ...(await usualPlaces())].filter(place => place !== undefined)
  for (const place of places) {
    const found = await inPlace(place, architecture)
    if (found !== undefined) return found
  }
  const made = await repackInstalled(architecture)
  const found = made === undefined ? undefined : await inPlace(made, architecture)
  if (found !== undefined) return found
  throw noPackage(architecture, `in ${places.join(', ')}`)
}

/** Beside the program: `dist/packages` of the sources, `packages` of an installation. */
async function usualPlaces(): Promise<string[]> {
  const program = dirname(await realpath(process.argv[1] ?? '.').catch(() => '.'))
  return [join(program, '../dist/packages'), join(program, 'packages'), join(program, '../packages')]
}

/** The file itself, or the newest one of a folder. */
async function inPlace(place: string, architecture: string): Promise<PackageFile | undefined> {
  const found = await unlessMissing(stat(place))
  if (found === undefined) return undefined
  const names = found.isDirectory() ? await readdir(place) : [basename(place)]
  const newest = names
    .filter(name => fileName.exec(name)?.[2] === architecture)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1)
  if (newest === undefined) return undefined
  const path = found.isDirectory() ? join(place, newest) : place
  const { size: bytes } = await stat(path)
  return { path, name: newest, version: fileName.exec(newest)?.[1] ?? '', bytes, sha256: await hashOf(path) }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Buffer)
  return hash.digest('hex')
}

function noPackage(architecture: string, where: string): AdoptError {
  return new AdoptError('no-package', `expected thymesh_VERSION_${architecture}.deb ${where}, found none`, {
    hint: `Name the file or its folder with --package. From the sources: scripts/package --deb --arch ${architecture}`,
  })
}
