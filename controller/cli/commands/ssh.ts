/** `thymesh ssh`: a shell or a command on a device, by the system's ssh over the mesh. */

import { Socket } from 'node:net'
import { resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { prepareSsh, quoted, requireHostKey } from '../../session/ssh-ways.ts'
import { withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'
import { type ClientOptions, forClient, runOnTerminal, splitUser, targetNamed, waysOf } from '../shell/ssh-client.ts'

export interface SshOptions extends ProjectOptions, ClientOptions {
  device: string
  command: string[]
  user: string
  wait: number
  /** For ssh: tunnels, settings, keys. */
  tunnel: string[]
  terminal: boolean
  noCommand: boolean
  proxy: boolean
  hostKey: boolean
}

/** Gives ssh's own exit code: that of the command on the device, 255 where ssh failed. */
export async function ssh(options: SshOptions): Promise<number> {
  const { user, name } = splitUser(options.device, options.user)
  return await withAccess(options, async access => {
    const { fleet, devices } = await access.ask('sshTargets', {}, newsSeconds)
    const target = targetNamed(devices, withoutFleet(name, fleet))
    if (options.hostKey) {
      const key = requireHostKey(target)
      print(options, { device: target.device, hostKey: key }, `${name} ${key}`)
      return exitCodes.done
    }
    if (options.proxy) {
      await carry(await access.openStream({ device: target.device, user, wait: options.wait }))
      return exitCodes.done
    }
    const alias = target.device
    const client = await prepareSsh(waysOf(access, options), [{ alias, target, user }])
    try {
      await client.open(alias)
      return await runOnTerminal('ssh', ['-F', client.config, ...forSsh(options), alias, ...options.command])
    } finally {
      await client.stop()
    }
  })
}

/** `kiosk-1.orchard` is how `thymesh ssh-config` calls kiosk-1 of the fleet orchard. */
function withoutFleet(name: string, fleet: string): string {
  return name.endsWith(`.${fleet}`) ? name.slice(0, -fleet.length - 1) : name
}

function forSsh({ tunnel, option, identity, terminal, noCommand }: SshOptions): string[] {
  return [
    ...tunnel.flatMap(each => ['-L', each]),
    ...forClient({ option, identity }),
    ...(terminal ? ['-t'] : []),
    ...(noCommand ? ['-N'] : []),
    '--',
  ]
}

/** Carries standard input and output, as a ProxyCommand does, until the device ends the stream. */
async function carry(stream: Duplex): Promise<void> {
  const input = new Socket({ fd: 0, readable: true, writable: false })
  const output = new Socket({ fd: 1, readable: false, writable: true })
  // Node never closes standard output itself: ssh sees the end when this process ends.
  const ended = new Promise<void>(resolve => {
    stream.once('close', resolve)
    stream.once('end', () => output.end(resolve))
  })
  input.pipe(stream)
  stream.pipe(output)
  for (const each of [input, output]) each.on('error', () => stream.destroy())
  stream.on('error', () => {})
  await ended
}

export type SshConfigOptions = ProjectOptions & { user: string }

/** `thymesh ssh-config`: what makes plain ssh, scp, rsync, editors and Ansible reach the devices. */
export async function sshConfig(options: SshConfigOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const { fleet } = await access.ask('sshTargets', {}, newsSeconds)
    const text = configText(fleet, options)
    print(options, { fleet, config: text }, text)
    return undefined
  })
}

function configText(fleet: string, { project, user }: SshConfigOptions): string {
  const own = [
    process.execPath,
    ...process.execArgv,
    resolve(process.argv[1] ?? ''),
    'ssh',
    '--project',
    resolve(project),
  ]
  const words = own.map(quoted).join(' ')
  return [
    `# Devices of the fleet ${fleet}. Add it to ~/.ssh/config: thymesh ssh-config >> ~/.ssh/config`,
    `Host *.${fleet}`,
    `  User ${user}`,
    `  ProxyCommand ${words} --proxy -- %r@%n`,
    `  KnownHostsCommand ${words} --host-key -- %n`,
    '  UserKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  UpdateHostKeys no',
    '  CheckHostIP no',
  ].join('\n')
}
