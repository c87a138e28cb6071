/** The system's OpenSSH as a client of devices: its configuration, and sockets through which it reaches them by the mesh. */

import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../../node/files/temporary.ts'
import { listenAt } from '../../../node/files/unix-socket.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { userSchema } from '../../../protocol/release/access.ts'
import type { SshTarget } from '../../api/schemas/access.ts'
import { joinStreams } from '../../session/join-streams.ts'
import { noProgram } from '../../ssh/no-program.ts'
import type { Access } from './access.ts'

/** A device that ssh connects to as a user; its name there is `alias`. */
export interface SshWay {
  readonly alias: string
  readonly target: SshTarget
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

/** Options for the programs of OpenSSH. */
export interface ClientOptions {
  option: string[]
  identity: string[]
}

export function forClient({ option, identity }: ClientOptions): string[] {
  return [...option.flatMap(each => ['-o', each]), ...identity.flatMap(each => ['-i', each])]
}

/** Prepares ways for ssh, scp and sftp, whose connections then come in by sockets of this process. */
export async function prepareSsh(access: Access, ways: readonly SshWay[], waitSeconds: number): Promise<SshClient> {
  const folder = await temporaryFolder()
  const servers: Server[] = []
  const ready = new Map<string, Duplex>()
  const refusals = new Map<string, unknown>()
  const openWay = ({ target, user }: SshWay) => access.openStream({ device: target.device, user, wait: waitSeconds })
  const answer = async (socket: Socket, way: SshWay) => {
    socket.on('error', () => {})
    const first = ready.get(way.alias)
    ready.delete(way.alias)
    try {
      joinStreams(socket, first ?? (await openWay(way)))
    } catch (thrown) {
      refusals.set(way.alias, thrown)
      socket.destroy()
    }
  }
  const stop = async () => {
    for (const stream of ready.values()) stream.destroy()
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
      hosts.push(hostText(way, file, join(folder.path, 'known_hosts')))
      known.push(`${way.alias} ${requireHostKey(way.target)}`)
    }
    await writeFile(join(folder.path, 'known_hosts'), `${known.join('\n')}\n`)
    const config = join(folder.path, 'config')
    await writeFile(config, `${[...hosts, ...others].join('\n')}\n`)
    return {
      config,
      open: async alias => {
        const way = ways.find(each => each.alias === alias)
        if (way !== undefined) ready.set(alias, await openWay(way))
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

function hostText({ alias, user }: SshWay, socket: string, knownHosts: string): string {
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
  ].join('\n')
}

/** A word of a ProxyCommand: for the shell, and with `%` as ssh wants it. */
export function quoted(word: string): string {
  const text = word.replaceAll('%', '%%')
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** The host key that the device's report says. Throws when it has said none. */
export function requireHostKey({ device, hostKey }: SshTarget): string {
  if (hostKey !== null) return hostKey
  throw new HintedError('no-host-key', `expected the SSH host key of ${device} in its report, got none`, {
    hint: 'It may run an older version, or its report has not come here: run `thymesh status --wait 15`.',
  })
}

/** A device by its name, of those that are known. Throws a HintedError. */
export function targetNamed(targets: readonly SshTarget[], name: string): SshTarget {
  const found = targets.find(({ device }) => device === name)
  if (found !== undefined) return found
  const names = targets.map(({ device }) => device)
  throw new HintedError('unknown-device', `no device named ${name} has joined this fleet`, {
    hint: `Known devices: ${names.slice(0, 20).join(', ') || 'none'}.`,
  })
}

/** `user@name` or `name`. Throws a HintedError. */
export function splitUser(text: string, user: string): { user: string; name: string } {
  const at = text.lastIndexOf('@')
  const split = at < 0 ? { user, name: text } : { user: text.slice(0, at), name: text.slice(at + 1) }
  if (userSchema.safeParse(split.user).success) return split
  throw new HintedError('invalid-user', `expected the name of a user, got ${JSON.stringify(split.user)}`, {
    hint: 'Lowercase letters, digits, _ and -, at most 32: such as root.',
  })
}

/** Runs a program of OpenSSH on this terminal; resolves to its exit code. Ctrl-C is for the program. */
export async function runOnTerminal(file: string, args: readonly string[]): Promise<number> {
  const stay = () => {}
  process.on('SIGINT', stay)
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = spawn(file, args, { stdio: 'inherit' })
      child.once('error', error => reject(noProgram(file, error)))
      child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 255)))
    })
  } finally {
    process.off('SIGINT', stay)
  }
}
