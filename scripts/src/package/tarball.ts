/** The tarball for machines without dpkg, its signature, and install.sh, which verifies that before it unpacks anything. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { Build } from './deb.ts'
import { type Common, makeTree, settle } from './tree.ts'
import { unitFile } from './unit.ts'

const run = promisify(execFile)
/** The name of what is signed, and of who signs, as `ssh-keygen -Y` asks for them. */
const namespace = 'thymesh-package'

/** Makes the tarball in a folder, signed where there is a key; `work` is an empty one for its files. */
export async function makeTarball(
  build: Build & { key: string | undefined },
  common: Common,
  work: string,
  into: string,
): Promise<string> {
  const { architecture, version, epoch, quick, key } = build
  const name = `thymesh-${version}-linux-${architecture.debian}`
  const root = join(work, name)
  await makeTree(root, architecture, common)
  await mkdir(join(root, 'share/thymesh'), { recursive: true })
  await writeFile(join(root, 'share/thymesh/thymesh.service'), await unitFile('@PREFIX@'))
  await settle(work, epoch)
  const file = join(into, `${name}.tar.xz`)
  const args = ['--sort=name', `--mtime=@${epoch}`, '--owner=0', '--group=0', '--numeric-owner', '--format=gnu']
  const env = { ...process.env, XZ_OPT: quick ? '-0 -T1' : '-6 -T1' }
  await run('tar', [...args, '-cJf', file, '-C', work, name], { env })
  if (key !== undefined) {
    await rm(`${file}.sig`, { force: true })
    await run('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', key, file])
  }
  return file
}

/** install.sh for these tarballs: with the public key, or without one with their hashes. */
export async function writeInstaller(
  tarballs: readonly string[],
  init: { key: string | undefined; into: string },
): Promise<string> {
  const publicKey = init.key === undefined ? '' : await publicPart(init.key)
  const hashes = await Promise.all(tarballs.map(async file => `${await sha256(file)}  ${basename(file)}`))
  const template = await readFile(join(import.meta.dirname, 'install.sh'), 'utf8')
  const file = join(init.into, 'install.sh')
  const text = template.replace('@PUBLIC_KEY@', publicKey).replace('@HASHES@', hashes.join('\n'))
  await writeFile(`${file}.new`, text, { mode: 0o755 })
  await rename(`${file}.new`, file)
  return file
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}

async function publicPart(key: string): Promise<string> {
  const { stdout } = await run('ssh-keygen', ['-y', '-f', key])
  const [type = '', bytes = ''] = stdout.split(' ')
  return `${type} ${bytes.trim()}`
}
