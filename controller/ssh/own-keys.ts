/** The operator's public keys of OpenSSH: named ones, those of the agent, and those in ~/.ssh. */

import { execFile } from 'node:child_process'
import { access, open, readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readUpTo } from '../../node/files/file-io.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { sshKeyIn, sshKeySchema } from '../../protocol/release/ssh-key.ts'

/** How long an agent may take to list its keys: one that is forwarded over a lost link never does. */
const agentMs = 5000

export interface OwnKey {
  /** `TYPE BASE64`. */
  readonly line: string
  /** The file of its private half; undefined where only the agent may have it. */
  readonly file: string | undefined
}

/**
 * The keys that are named, as text or in files (also by their private halves); else the agent's and those in ~/.ssh, but for
 * those that no grant can name. Throws a HintedError for a named one that is none.
 */
export async function publicKeys(named: readonly string[]): Promise<OwnKey[]> {
  if (named.length > 0) return (await Promise.all(named.map(keysNamed))).flat()
  const inAgent = await promisify(execFile)('ssh-add', ['-L'], { timeout: agentMs }).then(
    ({ stdout }) => stdout,
    () => '',
  )
  const folder = join(homedir(), '.ssh')
  const names = await readdir(folder).catch(() => [])
  const files = names.filter(name => /^id_[\w-]+\.pub$/.test(name)).map(name => join(folder, name))
  const inFiles = (await Promise.all(files.map(file => keysNamed(file).catch(() => [])))).flat()
  const lines = inAgent.split('\n').map(sshKeyIn)
  const ofAgent = lines.filter(line => sshKeySchema.safeParse(line).success).map(line => ({ line, file: undefined }))
  return [...ofAgent, ...inFiles.filter(({ line }) => !lines.includes(line))]
}

async function keysNamed(name: string): Promise<OwnKey[]> {
  if (name.includes(' ')) return checked(name, undefined)
  const secret = name.replace(/\.pub$/, '')
  // A private half is named as ssh -i does it; its public half lies beside it.
  const file = name.endsWith('.pub') || !(await exists(`${name}.pub`)) ? name : `${name}.pub`
  return checked(await read(file), (await exists(secret)) && secret !== file ? secret : undefined)
}

function checked(text: string, file: string | undefined): OwnKey[] {
  const lines = text.split('\n').filter(line => line.trim() !== '' && !line.startsWith('#'))
  return lines.map(sshKeyIn).map(line => {
    const problem = sshKeySchema.safeParse(line).error?.issues[0]?.message
    if (problem === undefined) return { line, file }
    throw new HintedError('invalid-key', `the key: ${problem}`, {
      hint: 'Name the public half of the key, such as ~/.ssh/id_ed25519.pub.',
    })
  })
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  )
}

async function read(file: string): Promise<string> {
  const handle = await open(file).catch((error: unknown) => {
    throw new HintedError('unreadable', `the key: ${messageOf(error)}`, {
      hint: 'Name the public half of a key, such as ~/.ssh/id_ed25519.pub, or make one with ssh-keygen.',
    })
  })
  try {
    return (await readUpTo(handle, limits.sshKey * limits.accessKeys, 0)).toString('utf8')
  } finally {
    await handle.close()
  }
}
