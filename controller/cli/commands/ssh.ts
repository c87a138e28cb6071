/** `thymesh ssh`: a shell or a command on a device, by the system's ssh over the mesh. */

import { pythonWords } from '../../session/descriptor-program.ts'
import { prepareSsh, quoted, requireHostKey } from '../../session/ssh-ways.ts'
import { withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'
import {
  type ClientOptions,
  forClient,
  runOnTerminal,
  splitUser,
  targetNamed,
  waysOf,
  withoutFleet,
} from '../shell/ssh-client.ts'
import { carry, handOver, ownSsh } from './ssh-proxy.ts'

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
  /** With `proxy`: hand ssh a descriptor (ProxyUseFdpass) in place of carrying its bytes. */
  handOver: boolean
  hostKey: boolean
}

/** Gives ssh's own exit code: that of the command on the device, 255 where ssh failed. */
export async function ssh(options: SshOptions): Promise<number> {
  if (options.proxy && options.handOver) {
    await handOver(options)
    return exitCodes.done
  }
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

function forSsh({ tunnel, option, identity, terminal, noCommand }: SshOptions): string[] {
  return [
    ...tunnel.flatMap(each => ['-L', each]),
    ...forClient({ option, identity }),
    ...(terminal ? ['-t'] : []),
    ...(noCommand ? ['-N'] : []),
    '--',
  ]
}

/** `python3` hands connections over where it is there; `plain` is for clients other than OpenSSH's, which know no such thing. */
export type SshConfigOptions = ProjectOptions & { user: string; plain: boolean }

/** `thymesh ssh-config`: what makes plain ssh, scp, rsync, editors and Ansible reach the devices. */
export async function sshConfig(options: SshConfigOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const { fleet } = await access.ask('sshTargets', {}, newsSeconds)
    const python = options.plain ? undefined : await pythonWords()
    const text = configText(fleet, options, python !== undefined)
    print(options, { fleet, config: text }, text)
    return undefined
  })
}

function configText(fleet: string, options: SshConfigOptions, handsOver: boolean): string {
  const words = ownSsh(options).map(quoted).join(' ')
  return [
    `# Devices of the fleet ${fleet}. Add it to ~/.ssh/config: thymesh ssh-config >> ~/.ssh/config`,
    `Host *.${fleet}`,
    `  User ${options.user}`,
    `  ProxyCommand ${words} --proxy${handsOver ? ' --hand-over' : ''} -- %r@%n`,
    `  ProxyUseFdpass ${handsOver ? 'yes' : 'no'}`,
    `  KnownHostsCommand ${words} --host-key -- %n`,
    '  UserKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  UpdateHostKeys no',
    '  CheckHostIP no',
  ].join('\n')
}
