/** Node for a package, of any architecture: from the npm package that package-lock.json pins by its hash. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../../..')
/** What outlives a run; in `.gitignore`. */
const cache = join(repository, '.cache/packages')

interface Pin {
  readonly version: string
  /** `sha512-…` in base64. */
  readonly integrity: string
}

/** Unpacks `bin/node` and `LICENSE` of the npm package into a folder. The archive is kept, and checked at each use. */
export async function pinnedNode(name: string, into: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8'))
  const pin = lock.packages[`node_modules/${name}`] as Pin
  const file = join(cache, `${name}-${pin.version}.tgz`)
  if (!(await isPinned(file, pin))) await download(name, pin, file)
  await mkdir(into, { recursive: true })
  await run('tar', ['-xzf', file, '-C', into, '--strip-components=1', 'package/bin/node', 'package/LICENSE'])
}

async function download(name: string, pin: Pin, file: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(join(cache, 'draft-'))
  try {
    const args = ['pack', '--silent', '--pack-destination', draft, `${name}@${pin.version}`]
    await run('npm', args, { cwd: draft })
    const packed = join(draft, `${name}-${pin.version}.tgz`)
    if (!(await isPinned(packed, pin))) {
      throw new Error(`expected ${name} ${pin.version} with the hash of package-lock.json, got another one`)
    }
    await rename(packed, file)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function isPinned(file: string, { integrity }: Pin): Promise<boolean> {
  const bytes = await readFile(file).catch(() => undefined)
  return bytes !== undefined && `sha512-${createHash('sha512').update(bytes).digest('base64')}` === integrity
}
