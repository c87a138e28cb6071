/** `thymesh cp`: files to and from devices, by the system's scp over the mesh. */

import { HintedError } from '../../../protocol/errors.ts'
import { prepareSsh, type SshWay } from '../../session/ssh-ways.ts'
import { withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { type ClientOptions, forClient, runOnTerminal, splitUser, targetNamed, waysOf } from '../shell/ssh-client.ts'

export interface CpOptions extends ProjectOptions, ClientOptions {
  files: string[]
  user: string
  wait: number
  recursive: boolean
  preserve: boolean
}

/** A path on a device: `kiosk-1:/etc/hosts`, `ada@kiosk-1:notes`. A slash before the colon makes it a local file. */
const remote = /^((?:[a-z_][a-z0-9_-]*@)?[a-z0-9][a-z0-9-]*):(.*)$/s

export async function cp(options: CpOptions): Promise<number> {
  const parts = options.files.map(text => ({ text, found: remote.exec(text) }))
  if (parts.length < 2 || parts.every(({ found }) => found === null)) {
    throw new HintedError('no-device', 'expected files and where they go, one of them on a device', {
      hint: 'For example: thymesh cp notes.txt kiosk-1:/root/, or thymesh cp kiosk-1:/var/log/messages .',
    })
  }
  return await withAccess(options, async access => {
    const { devices } = await access.ask('sshTargets', {}, newsSeconds)
    const ways = new Map<string, SshWay>()
    const named = parts.map(({ text, found }) => {
      if (found === null) return text
      const { user, name } = splitUser(found[1] ?? '', options.user)
      const alias = `${user}.${name}`
      ways.set(alias, { alias, user, target: targetNamed(devices, name) })
      return `${alias}:${found[2]}`
    })
    const client = await prepareSsh(waysOf(access, options), [...ways.values()])
    try {
      for (const alias of ways.keys()) await client.open(alias)
      const flags = [
        ...(options.recursive ? ['-r'] : []),
        ...(options.preserve ? ['-p'] : []),
        ...(options.json ? ['-q'] : []),
      ]
      return await runOnTerminal('scp', ['-F', client.config, ...flags, ...forClient(options), '--', ...named])
    } finally {
      await client.stop()
    }
  })
}
