/** The operator's SSH keys as ssh2 takes them: of the agent, and of files without a passphrase. */

import { readFile } from 'node:fs/promises'
import ssh2, { type AuthenticationType, type KnownPublicKeys, type ParsedKey } from 'ssh2'
import { HintedError } from '../../protocol/errors.ts'
import { sshFingerprint } from '../../protocol/release/ssh-key.ts'
import { publicKeys } from './own-keys.ts'

/** How ssh2 proves one key. */
export type LoginMethod =
  | { type: Extract<AuthenticationType, 'publickey'>; username: string; key: ParsedKey }
  | { type: 'agent'; username: string; agent: ssh2.BaseAgent }

export interface LoginKey {
  readonly fingerprint: string
  readonly method: LoginMethod
}

/** Those of the operator's keys that are among these fingerprints. Throws a HintedError where one is there, and none can be used. */
export async function loginKeys(user: string, granted: ReadonlySet<string>): Promise<LoginKey[]> {
  const found: LoginKey[] = []
  let sealed: string | undefined
  const socket = process.env.SSH_AUTH_SOCK
  for (const { line, file } of await publicKeys([])) {
    const fingerprint = sshFingerprint(line)
    if (!granted.has(fingerprint)) continue
    if (file === undefined) {
      if (socket) found.push({ fingerprint, method: { type: 'agent', username: user, agent: oneOf(socket, line) } })
      continue
    }
    const key = ssh2.utils.parseKey(await readFile(file).catch(() => Buffer.alloc(0)))
    if (key instanceof Error) sealed = file
    else found.push({ fingerprint, method: { type: 'publickey', username: user, key } })
  }
  if (found.length > 0 || sealed === undefined) return found
  throw new HintedError('key-sealed', `expected a key that can be used here, but ${sealed} has a passphrase`, {
    hint: `Give it to your agent (ssh-add ${sealed}), and start the controller where that agent is: thymesh serve.`,
  })
}

/** The agent with one of its keys only: then it is known which one the device has accepted. */
function oneOf(socket: string, line: string): ssh2.BaseAgent {
  const agent = new ssh2.OpenSSHAgent(socket)
  const wanted = line.split(' ')[1]
  class OneKey extends ssh2.BaseAgent {
    getIdentities(done: (error: Error | undefined, keys?: KnownPublicKeys) => void): void {
      agent.getIdentities((error, keys) => {
        if (error) done(error)
        else done(undefined, keys?.filter(key => encoded(key) === wanted) as KnownPublicKeys)
      })
    }
    sign(...args: unknown[]): void {
      // With or without options: ssh2 calls it both ways, and its types can't say so in one.
      ;(agent.sign as (...all: unknown[]) => void)(...args)
    }
  }
  return new OneKey()
}

function encoded(key: unknown): string | undefined {
  return (key as Partial<ParsedKey>).getPublicSSH?.().toString('base64')
}
