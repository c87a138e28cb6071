/** One question of a health probe: a unit, a port, a URL or a program, answered well or not within its time. */

import { connect } from 'node:net'
import { messageOf } from '../../protocol/errors.ts'
import type { Probe } from '../../protocol/release/update-policy.ts'
import { runProgram } from '../process/run-program.ts'
import type { ActivationSystem } from './system.ts'

/** Lines of a failed command that its answer shows. */
const commandLines = 5
const systemPath = '/run/current-system/sw/bin'

/** Why the answer was not good; nothing when it was. */
export async function askProbe(
  probe: Probe,
  system: Pick<ActivationSystem, 'unitIsActive'>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    return await ask(probe, system, timeoutMs, limited)
  } catch (thrown) {
    signal.throwIfAborted()
    return limited.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(thrown)
  }
}

async function ask(
  probe: Probe,
  system: Pick<ActivationSystem, 'unitIsActive'>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  switch (probe.kind) {
    case 'unit':
      return (await system.unitIsActive(probe.unit, signal)) ? undefined : `${probe.unit} isn't active`
    case 'tcp':
      await connected(probe.host ?? 'localhost', probe.port, signal)
      return undefined
    case 'http': {
      const { status, body } = await fetch(probe.url, { signal, redirect: 'manual' })
      await body?.cancel()
      const good = probe.status === undefined ? status >= 200 && status <= 299 : status === probe.status
      return good ? undefined : `expected status ${probe.status ?? '200 to 299'}, got ${status}`
    }
    case 'command': {
      const [program = '', ...args] = probe.command
      const env = { ...process.env, PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:${systemPath}` }
      const result = await runProgram(program, args, { timeoutMs, lines: commandLines, signal, env })
      if (result.code === 0) return undefined
      return `ended with ${result.signal ?? `code ${result.code}`}: ${result.output.join('\n')}`
    }
  }
}

function connected(host: string, port: number, signal: AbortSignal): Promise<void> {
  const socket = connect({ host, port })
  return new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    socket.once('connect', () => resolve())
    socket.once('error', reject)
  }).finally(() => socket.destroy())
}
