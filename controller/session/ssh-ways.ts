/**
 * Ways for OpenSSH to devices: a configuration for `ssh -F`, whose connections come in by sockets of this process and go on by
 * the mesh. Host keys are those of the mesh.
 */

import { writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { listenAt } from '../../node/files/unix-socket.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { SshTarget } from '../api/schemas/access.ts'
import type { StreamOptions } from './device-streams.ts'
import { joinStreams } from './join-streams.ts'

/** A device that ssh connects to as a user; its name there is `alias`. */
export interface SshWay {
  readonly alias: string
  readonly target: Pick<SshTarget, 'device' | 'hostKey'>
  readonly user: string
}

export interface SshClient {
  /** For `ssh -F`. */
  readonly config: string
  /** Opens the first connection before ssh does: its refusal is then ours to tell. */
  open(alias: string): Promise<void>
  /** What kept the last connection of this alias from being opened. */
  refusal(alias: string): unknown
  stop(): Promise<void>
}

/** A device ends a session in which nobody has logged in after 20 seconds: what was opened ahead is of use for less. */
const freshMs = 10_000

export interface SshWaysInit {
  /** Opens a session of SSH on a device, the bytes of SSH itself. Throws what the device refuses with. */
  readonly openStream: (options: StreamOptions) => Promise<Duplex>
  /** Seconds to try to reach a device. */
  readonly wait: number
  /** Lines of ssh_config(5) for all of them, before the user's own. */
  readonly settings?: readonly string[]
}

/** Prepares ways for ssh, scp and sftp, whose connections then come in by sockets of this process. */
export async function prepareSsh(
  { openStream, wait, settings = [] }: SshWaysInit,
  ways: readonly SshWay[],
): Promise<SshClient> {
  const folder = await temporaryFolder()
  const servers: Server[] = []
  const ready = new Map<string, { readonly stream: Duplex; readonly opened: number }>()
  const refusals = new Map<string, unknown>()
  const openWay = ({ target, user }: SshWay) => openStream({ device: target.device, user, wait })
  const answer = async (socket: Socket, way: SshWay) => {
    socket.on('error', () => {})
    const first = ready.get(way.alias)
    ready.delete(way.alias)
    const isFresh = first !== undefined && !first.stream.destroyed && performance.now() - first.opened < freshMs
    if (!isFresh) first?.stream.destroy()
    try {
      joinStreams(socket, isFresh ? first.stream : await openWay(way))
    } catch (thrown) {
      refusals.set(way.alias, thrown)
      socket.destroy()
    }
  }
  const stop = async () => {
    for (const { stream } of ready.values()) stream.destroy()
    for (const server of servers) server.close()
    await folder.remove()
  }
  try {
    const hosts: string[] = []
    const known: string[] = []
    for (const [index, way] of ways.entries()) {
      const file = join(folder.path, `${index}.sock`)
      const server = createServer({ allowHalfOpen: true }, socket => void answer(socket, way))
      await listenAt(server, file)
      servers.push(server)
      hosts.push(hostText(way, file, join(folder.path, 'known_hosts'), settings))
      known.push(`${way.alias} ${requireHostKey(way.target)}`)
    }
    await writeFile(join(folder.path, 'known_hosts'), `${known.join('\n')}\n`)
    const config = join(folder.path, 'config')
    await writeFile(config, `${[...hosts, ...others].join('\n')}\n`)
    return {
      config,
      open: async alias => {
        const way = ways.find(each => each.alias === alias)
        if (way === undefined) return
        const stream = await openWay(way)
        stream.on('error', () => {})
        ready.set(alias, { stream, opened: performance.now() })
      },
      refusal: alias => refusals.get(alias),
      stop,
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** What our settings leave open is the user's own: keys, agents, multiplexing. */
const others = ['Match all', '  Include ~/.ssh/config', '  Include /etc/ssh/ssh_config']

function hostText({ alias, user }: SshWay, socket: string, knownHosts: string, settings: readonly string[]): string {
  const program = fileURLToPath(new URL('./pipe-program.ts', import.meta.url))
  const proxy = [process.execPath, program, socket].map(quoted).join(' ')
  return [
    `Host ${alias}`,
    `  User ${user}`,
    `  HostName ${alias}`,
    `  HostKeyAlias ${alias}`,
    `  UserKnownHostsFile ${knownHosts}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  UpdateHostKeys no',
    '  CheckHostIP no',
    '  ForwardAgent no',
    '  ForwardX11 no',
    '  ControlPath none',
    '  ProxyJump none',
    `  ProxyCommand ${proxy}`,
    ...settings.map(each => `  ${each}`),
  ].join('\n')
}

/** A word of a ProxyCommand: for the shell, and with `%` as ssh wants it. */
export function quoted(word: string): string {
  const text = word.replaceAll('%', '%%')
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** The host key that the device's report says. Throws when it has said none. */
export function requireHostKey({ device, hostKey }: Pick<SshTarget, 'device' | 'hostKey'>): string {
  if (hostKey !== null) return hostKey
  throw new HintedError('no-host-key', `expected the SSH host key of ${device} in its report, got none`, {
    hint: 'It may run an older version, or its report has not come here: run `thymesh status --wait 15`.',
  })
}
