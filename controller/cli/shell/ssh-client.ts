/** The system's OpenSSH as a client of devices, as commands use it. */

import { spawn } from 'node:child_process'
import { HintedError } from '../../../protocol/errors.ts'
import { userSchema } from '../../../protocol/release/access.ts'
import { openDoorThere } from '../../api/door-client.ts'
import type { SshTarget } from '../../api/schemas/access.ts'
import { socketFile } from '../../api/socket.ts'
import type { SshWaysInit } from '../../session/ssh-ways.ts'
import { noProgram } from '../../ssh/no-program.ts'
import type { Access } from './access.ts'

/** Options for the programs of OpenSSH. */
export interface ClientOptions {
  option: string[]
  identity: string[]
}

export function forClient({ option, identity }: ClientOptions): string[] {
  return [...option.flatMap(each => ['-o', each]), ...identity.flatMap(each => ['-i', each])]
}

/** Ways to devices through the controller that runs, or our own. */
export function waysOf(access: Access, { wait }: { readonly wait: number }): SshWaysInit {
  return {
    openStream: options => access.openStream(options),
    openDoor: ({ device, user }, at) =>
      openDoorThere(socketFile(access.home.stateDirectory), 'ssh-door', { device, user, wait, at }),
    wait,
  }
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

/** `kiosk-1.orchard` is how `thymesh ssh-config` calls kiosk-1 of the fleet orchard. */
export function withoutFleet(name: string, fleet: string): string {
  return name.endsWith(`.${fleet}`) ? name.slice(0, -fleet.length - 1) : name
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
