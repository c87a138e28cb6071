/** OpenSSH's clients of three suites of Debian against a device: each runs here, with the libraries of its own suite. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, type RunOptions, runToEnd } from '../../e2e/helpers/processes.ts'
import { debianRoot } from '../base.ts'

export const clientSuites = ['bookworm', 'trixie', 'sid'] as const

export interface Client {
  readonly version: string
  /** What `ssh` and `scp` of the suite print. */
  readonly ssh: (...args: string[]) => Promise<Ended>
  readonly scp: (...args: string[]) => Promise<Ended>
}

export interface ClientInit {
  readonly folder: string
  /** A file for `ssh -F`. */
  readonly config: string
  readonly env: NodeJS.ProcessEnv
  /** Where the operator is: what ssh starts to reach devices has to be there too. */
  readonly through: RunOptions['through']
}

/** Programs are wrapped in scripts: ProxyCommand and keys are those of this machine. */
export async function clientOf(suite: string, { folder, config, env, through }: ClientInit): Promise<Client> {
  const root = await debianRoot(suite, ['openssh-client'])
  const own = join(folder, suite)
  await mkdir(own, { recursive: true })
  const libraries = ['lib', 'usr/lib'].map(each => join(root, each, 'x86_64-linux-gnu')).join(':')
  const program = async (name: string) => {
    const file = join(own, name)
    const loader = `${join(root, 'lib64/ld-linux-x86-64.so.2')} --library-path ${libraries}`
    await writeFile(file, `#!/bin/sh\nexec ${loader} ${join(root, 'usr/bin', name)} "$@"\n`)
    await chmod(file, 0o755)
    return file
  }
  const [ssh, scp] = [await program('ssh'), await program('scp')]
  const run = (command: string, args: readonly string[]) => {
    const [file = '', ...rest] = through?.([command, ...args]) ?? [command, ...args]
    return runToEnd(file, rest, { cwd: own, env })
  }
  const { stderr } = await run(ssh, ['-V'])
  return {
    version: stderr.split(/[, ]/)[0] ?? '',
    ssh: (...args) => run(ssh, ['-F', config, ...args]),
    scp: (...args) => run(scp, ['-F', config, '-S', ssh, ...args]),
  }
}

/** A command, a file there and back, and what a device that isn't known gets. */
export async function tryClient({ version, ssh, scp }: Client, host: string, folder: string): Promise<string> {
  const ran = await ssh(host, 'echo in; exit 3')
  assert.deepEqual([ran.code, ran.stdout], [3, 'in\n'], ran.stderr)
  assert.doesNotMatch(ran.stderr, /warning|deprecated|post-quantum|authenticity|Bad configuration/i)
  const bytes = randomBytes(2_000_000)
  const file = join(folder, 'sent')
  await writeFile(file, bytes)
  for (const args of [
    [file, `${host}:/tmp/there`],
    [`${host}:/tmp/there`, `${file}.back`],
  ]) {
    const copied = await scp(...args)
    assert.equal(copied.code, 0, copied.stderr)
  }
  assert.ok((await readFile(`${file}.back`)).equals(bytes))
  const nobody = await ssh(host.replace(/^[^.]*/, 'nobody'), 'true')
  assert.equal(nobody.code, 255)
  return version
}
