/** Ways for OpenSSH to devices: a configuration for `ssh -F`, whose connections come in by sockets and go on by the mesh. Host keys are those of the mesh. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { SshTarget } from '../api/schemas/access.ts'
import { descriptorProgram } from './descriptor-program.ts'
import type { StreamOptions } from './device-streams.ts'
import { untilFree } from './free-place.ts'
import { SshDoor } from './ssh-door.ts'

/** A device that ssh connects to as a user; its name there is `alias`. */
export interface SshWay {
  readonly alias: string
  readonly target: Pick<SshTarget, 'device' | 'hostKey'>
  readonly user: string
}

export interface SshClient {
  /** For `ssh -F`. */
  readonly config: string
  /** Opens the first connection before ssh does, where that is not done yet: its refusal is then ours to tell. */
  open(alias: string): Promise<void>
  /** What kept the last connection of this alias from being opened. */
  refusal(alias: string): unknown
  stop(): Promise<void>
}

/** A socket that another process listens at. */
export interface Door {
  /** Resolves when it is there no more. */
  readonly closed: Promise<void>
  stop(): void
}

export interface SshWaysInit {
  /** Opens a session of SSH on a device, the bytes of SSH itself. Throws what the device refuses with. */
  readonly openStream: (options: StreamOptions) => Promise<Duplex>
  /**
   * Has another process, which is nearer to the mesh, listen at a socket for sessions of SSH and open the first one ahead: then
   * no byte passes through this one. Gives nothing where nobody can. Throws what the device refuses with.
   */
  readonly openDoor?: (options: StreamOptions & { readonly user: string }, file: string) => Promise<Door | undefined>
  /** Seconds to try to reach a device. */
  readonly wait: number
  /** Lines of ssh_config(5) for all of them, before the user's own. */
  readonly settings?: readonly string[]
}

/** Prepares ways for ssh, scp and sftp, whose connections then come in by sockets of this process or of one that is nearer to the mesh. */
export async function prepareSsh(
  { openStream, openDoor, wait, settings = [] }: SshWaysInit,
  ways: readonly SshWay[],
): Promise<SshClient> {
  const folder = await temporaryFolder()
  const own = new Map<string, SshDoor>()
  const doors: Pick<Door, 'stop'>[] = []
  const over = new AbortController()
  const stop = async () => {
    over.abort()
    for (const door of doors) door.stop()
    await folder.remove()
  }
  const listen = async (alias: string, file: string, options: StreamOptions) => {
    const door = await SshDoor.at(file, () => openStream(options))
    if (over.signal.aborted) return door.stop()
    own.set(alias, door)
    doors.push(door)
  }
  /** scp makes a connection for each file: the process that listens may end between two. */
  const takeOver = async (held: Door, ...[alias, file, options]: Parameters<typeof listen>) => {
    await held.closed
    await untilFree(file, over.signal)
    if (!over.signal.aborted) await listen(alias, file, options)
  }
  try {
    const hosts: string[] = []
    const known: string[] = []
    const program = await descriptorProgram()
    for (const [index, way] of ways.entries()) {
      // Before anything is opened on the device.
      known.push(`${way.alias} ${requireHostKey(way.target)}`)
      const file = join(folder.path, `${index}.sock`)
      const options = { device: way.target.device, user: way.user, wait }
      const held = await openDoor?.(options, file)
      if (held === undefined) await listen(way.alias, file, options)
      else {
        doors.push(held)
        // Where it fails, ssh says that nobody listens.
        takeOver(held, way.alias, file, options).catch(() => {})
      }
      hosts.push(hostText(way, proxyLines(file, program), join(folder.path, 'known_hosts'), settings))
    }
    await writeFile(join(folder.path, 'known_hosts'), `${known.join('\n')}\n`)
    const config = join(folder.path, 'config')
    await writeFile(config, `${[...hosts, ...others].join('\n')}\n`)
    return {
      config,
      open: async alias => await own.get(alias)?.openAhead(),
      refusal: alias => own.get(alias)?.refusal,
      stop,
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** What our settings leave open is the user's own: keys, agents, multiplexing. */
const others = ['Match all', '  Include ~/.ssh/config', '  Include /etc/ssh/ssh_config']

/** How ssh gets to the socket: itself, where a program can hand it the connection, else through a program of ours. */
export function proxyLines(socket: string, program: readonly string[] | undefined): string[] {
  if (program !== undefined) {
    return [`ProxyCommand ${[...program, socket].map(quoted).join(' ')}`, 'ProxyUseFdpass yes']
  }
  const pipe = fileURLToPath(new URL('./pipe-program.ts', import.meta.url))
  return [`ProxyCommand ${[process.execPath, pipe, socket].map(quoted).join(' ')}`, 'ProxyUseFdpass no']
}

function hostText(
  { alias, user }: SshWay,
  proxy: readonly string[],
  knownHosts: string,
  settings: readonly string[],
): string {
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
    ...[...proxy, ...settings].map(each => `  ${each}`),
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
