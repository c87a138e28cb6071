/** `scripts/package`: the .debs and tarballs, from these sources. */

import { execFileSync } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { argumentsOf, wrongUse } from '../arguments.ts'
import { architectures } from './architecture.ts'
import { makeDeb } from './deb.ts'
import { makeTarball, writeInstaller } from './tarball.ts'
import { inEmptyFolder, withCommon } from './tree.ts'

const repository = resolve(import.meta.dirname, '../../..')

const { values } = argumentsOf('package', {
  options: {
    arch: { type: 'string', multiple: true, default: architectures.map(({ debian }) => debian) },
    deb: { type: 'boolean', default: false },
    tarball: { type: 'boolean', default: false },
    key: { type: 'string' },
    version: { type: 'string' },
    into: { type: 'string', default: join(repository, 'dist/packages') },
    quick: { type: 'boolean', default: false },
  },
})
const chosen = architectures.filter(({ debian }) => values.arch.includes(debian))
if (chosen.length < new Set(values.arch).size) wrongUse('package', `expected amd64 or arm64, got ${values.arch}`)
const version: string = values.version ?? JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')).version
if (!/^\d[0-9A-Za-z.+~]*$/.test(version)) wrongUse('package', `expected a version such as 1.2.3, got ${version}`)

const both = values.deb === values.tarball
const into = resolve(values.into)
const key = values.key && resolve(values.key)
await mkdir(into, { recursive: true })
await withCommon(async common => {
  const tarballs: string[] = []
  for (const architecture of chosen) {
    const build = { architecture, version, epoch: epochOf(), quick: values.quick }
    if (both || values.deb) tell(await inEmptyFolder(work => makeDeb(build, common, work, into)))
    if (!both && !values.tarball) continue
    const tarball = await inEmptyFolder(work => makeTarball({ ...build, key }, common, work, into))
    tell(tarball)
    tarballs.push(tarball)
  }
  if (tarballs.length > 0) tell(await writeInstaller(tarballs, { key, into }))
})

/** The date of all files: the last commit's, or what the environment says, as others' builds do. */
function epochOf(): number {
  const given = process.env.SOURCE_DATE_EPOCH
  if (given !== undefined) return Number(given)
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: repository, encoding: 'utf8' }))
  } catch {
    return 0
  }
}

function tell(file: string): void {
  process.stdout.write(`${relative(process.cwd(), file)}\n`)
}
