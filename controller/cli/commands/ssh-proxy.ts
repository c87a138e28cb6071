/** `thymesh ssh --proxy`: what ssh gets a connection to a device by, as its ProxyCommand. */

import { Socket } from 'node:net'
import { resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { HintedError } from '../../../protocol/errors.ts'
import { handOverProgram, handOverRunning } from '../../api/hand-over.ts'
import { socketFile } from '../../api/socket.ts'
import { streamPath } from '../../api/upgrade.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { openProject } from '../../project/project.ts'
import { pythonWords } from '../../session/descriptor-program.ts'
import { askIfRunning } from '../shell/access.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { splitUser, targetNamed, withoutFleet } from '../shell/ssh-client.ts'

/** The words of this program's own `thymesh ssh` for a project. */
export function ownSsh({ project }: ProjectOptions): string[] {
  return [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? ''), 'ssh', '--project', resolve(project)]
}

export interface HandOverOptions extends ProjectOptions {
  /** USER@NAME, as ssh calls it. */
  readonly device: string
  readonly user: string
  readonly wait: number
}

/**
 * Hands ssh a connection: that of the controller which runs, so that no process of ours carries its bytes. Where none runs, a
 * process stays behind that does. Throws what the device refuses with.
 */
export async function handOver(options: HandOverOptions): Promise<void> {
  const python = await pythonWords()
  if (python === undefined) {
    throw new HintedError('no-hand-over', 'expected python3, which hands connections to ssh, and found none', {
      hint: 'Install it, or print the configuration anew, without it: thymesh ssh-config --plain',
    })
  }
  const handed = await handOverThere(python, options)
  if (handed === 'handed') return
  const { device, user, wait } = options
  const carrier = [...ownSsh(options), '--proxy', '--user', user, '--wait', String(wait), '--', device]
  await handOverProgram(python, carrier)
}

async function handOverThere(python: readonly string[], options: HandOverOptions) {
  const project = await openProject(options.project)
  const known = await askIfRunning(project, 'sshTargets', {})
  if (known === undefined) return 'nobody'
  const { user, name } = splitUser(options.device, options.user)
  const { device } = targetNamed(known.devices, withoutFleet(name, known.fleet))
  const query = new URLSearchParams({ user, wait: String(options.wait) })
  const file = socketFile(new FleetHome(project.fleet).stateDirectory)
  return await handOverRunning(python, file, `${streamPath(device, 'ssh')}?${query}`)
}

/** Carries standard input and output until the device ends the stream. */
export async function carry(stream: Duplex): Promise<void> {
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
