/** Packages for tests, made once in each test process: of this version, and of one that counts as the version before. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { version as ownVersion } from '../../protocol/version.ts'
import { architectures } from '../../scripts/src/package/architecture.ts'
import { type Build, makeDeb } from '../../scripts/src/package/deb.ts'
import { makeTarball } from '../../scripts/src/package/tarball.ts'
import { type Common, inEmptyFolder, withCommon } from '../../scripts/src/package/tree.ts'

export interface Packages {
  /** The folder that they are in. */
  readonly directory: string
  /** Names of files in it. */
  readonly before: string
  readonly current: string
}

const thisArchitecture = architectures.find(({ debian }) => (debian === 'amd64') === (process.arch === 'x64'))
const versions = { before: '0.0.9', current: '0.1.0' }
/** Some date: that of the commit would do as well. */
const epoch = 1_750_000_000

let made: Promise<Packages> | undefined

export function packages(): Promise<Packages> {
  made ??= withCommon(make)
  return made
}

/** The folder with this version's package alone. */
export async function currentPackage(): Promise<string> {
  const directory = temporaryDirectory()
  await withCommon(common => quickDeb(common, directory))
  return directory
}

/** This version's package, and the tarball of a version that is newer by its own word, for releases that bring the daemon. */
export async function packageAndTarball(newer: string): Promise<{ directory: string; deb: string; tarball: string }> {
  const directory = temporaryDirectory()
  return await withCommon(async common => {
    const deb = basename(await quickDeb(common, directory))
    for (const name of readdirSync(common.dist).filter(each => each.endsWith('.mjs'))) {
      const file = join(common.dist, name)
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(`"${ownVersion}"`, `"${newer}"`))
    }
    const build = { ...quickBuild(newer), key: undefined }
    return { directory, deb, tarball: await inEmptyFolder(work => makeTarball(build, common, work, directory)) }
  })
}

async function make(common: Common): Promise<Packages> {
  const directory = temporaryDirectory()
  const before = await quickDeb(common, directory, versions.before)
  const current = await quickDeb(common, directory)
  return { directory, before: basename(before), current: basename(current) }
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'thymesh-packages-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A package that is little compressed. */
export function quickDeb(common: Common, into: string, version?: string): Promise<string> {
  return inEmptyFolder(work => makeDeb(quickBuild(version), common, work, into))
}

export function quickBuild(version = versions.current): Build {
  if (thisArchitecture === undefined) throw new Error(`expected an architecture with packages, got ${process.arch}`)
  return { architecture: thisArchitecture, version, epoch, quick: true }
}

/** What a machine needs to be reached by ssh, and to verify signatures: one base for all such tests. */
export const sshPackages = ['openssh-server', 'sudo'] as const
