/** The installed package as a .deb again, for other machines of the same kind: its files are all still there. */

import { cp, lstat, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runProgram } from '../../node/process/run-program.ts'
import { removeAtEnd } from './remove-at-end.ts'

const scripts = ['md5sums', 'postinst', 'prerm', 'postrm']
/** A hundred megabytes, little compressed. */
const packMs = 120_000

/** Makes it in a folder that goes with this process; nothing where the program was not installed as a package. */
export async function repackInstalled(architecture: string): Promise<string | undefined> {
  const ask = async (...args: string[]) => {
    const ended = await runProgram('dpkg-query', args, { timeoutMs: 10_000, lines: 1 }).catch(() => undefined)
    return ended?.code === 0 ? ended.stdout : undefined
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's
  const about = await ask('--show', '--showformat=${db:Status-Status} ${Architecture} ${Version}', 'thymesh')
  const [status, own, version] = about?.split(' ') ?? []
  if (status !== 'installed' || own !== architecture) return undefined
  const paths = (await ask('--listfiles', 'thymesh'))?.split('\n') ?? []
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-repack-'))
  removeAtEnd(directory)
  const tree = join(directory, 'tree')
  for (const path of paths.filter(each => each.startsWith('/') && each !== '/.')) {
    if ((await lstat(path)).isDirectory()) await mkdir(join(tree, path), { recursive: true, mode: 0o755 })
    else {
      await mkdir(dirname(join(tree, path)), { recursive: true })
      await cp(path, join(tree, path), { verbatimSymlinks: true })
    }
  }
  await mkdir(join(tree, 'DEBIAN'))
  const control = (await ask('--status', 'thymesh')) ?? ''
  await writeFile(join(tree, 'DEBIAN/control'), control.replace(/^(?:Status|Conffiles|Config-Version):.*\n/gm, ''))
  for (const name of scripts) await cp(`/var/lib/dpkg/info/thymesh.${name}`, join(tree, 'DEBIAN', name))
  const file = join(directory, `thymesh_${version}_${architecture}.deb`)
  const args = ['--root-owner-group', '-Zgzip', '-z1', '--build', tree, file]
  const { code } = await runProgram('dpkg-deb', args, { timeoutMs: packMs, lines: 10 })
  return code === 0 ? file : undefined
}
