/** A command on many devices by ssh over the mesh: who is meant, some at a time, and what became of each. */

import { spawn } from 'node:child_process'
import type { RunResult, SshTarget } from '../../api/schemas/access.ts'
import { errorJson } from '../../format/error-json.ts'
import { table } from '../../format/table.ts'
import { writeText } from '../../format/terminal.ts'
import { prepareSsh } from '../../session/ssh-ways.ts'
import { noProgram } from '../../ssh/no-program.ts'
import type { Access } from './access.ts'
import type { ProjectOptions } from './options.ts'
import { type ClientOptions, forClient, waysOf } from './ssh-client.ts'

export interface OnDevicesOptions extends ProjectOptions, ClientOptions {
  command: string[]
  user: string
  parallel?: number
  stopAfter?: number
  timeout: number
  wait: number
}

/** Characters of each device's output that are kept for `--json`; on a terminal all of it is shown as it comes. */
const keptOutput = 256 * 1024

/** Which devices failed or weren't reached, and how many did it. */
export function resultsText(results: readonly RunResult[]): string {
  const bad = results.filter(({ state }) => state !== 'done')
  const summary = `${results.length - bad.length} of ${results.length} devices: done.`
  const rows = bad.map(({ device, state, exitCode, reason }) => [device, stateText(state, exitCode), reason ?? ''])
  return bad.length === 0 ? summary : `${table(['DEVICE', 'RESULT', 'REASON'], rows)}\n${summary}`
}

function stateText(state: RunResult['state'], exitCode: number | null): string {
  return state === 'failed'
    ? `failed (${exitCode ?? 'a signal'})`
    : state.replace('unreached', 'not reached').replace('-', ' ')
}

/** Runs it on all of them, `parallel` at a time. */
export async function onAll(
  access: Access,
  targets: readonly SshTarget[],
  options: OnDevicesOptions,
  left: AbortSignal,
): Promise<RunResult[]> {
  let failures = 0
  const onOne = async (target: SshTarget): Promise<RunResult> => {
    const began = performance.now()
    const seconds = () => Math.round((performance.now() - began) / 100) / 10
    const none = { device: target.device, exitCode: null, stdout: '', stderr: '' }
    try {
      const enough = options.stopAfter !== undefined && failures >= options.stopAfter
      if (enough || left.aborted) {
        return {
          ...none,
          state: 'stopped',
          seconds: 0,
          reason: enough ? `${failures} others failed before` : 'you left',
        }
      }
      const result = await onTarget(access, target, options, left)
      if (result.state !== 'done') failures++
      return { ...none, ...result, seconds: seconds() }
    } catch (thrown) {
      failures++
      return { ...none, state: 'unreached', seconds: seconds(), reason: errorJson(thrown).message }
    }
  }
  const results: RunResult[] = []
  const queue = targets.entries()
  const worker = async () => {
    for (const [place, target] of queue) results[place] = await onOne(target)
  }
  await Promise.all(Array.from({ length: options.parallel ?? 10 }, worker))
  return results
}

/** Runs it on one. */
async function onTarget(
  access: Access,
  target: SshTarget,
  options: OnDevicesOptions,
  left: AbortSignal,
): Promise<Omit<RunResult, 'device' | 'seconds'>> {
  const alias = target.device
  const client = await prepareSsh(waysOf(access, options), [{ alias, target, user: options.user }])
  try {
    await client.open(alias)
    // Nobody can answer for many: what would ask fails.
    const args = [
      '-F',
      client.config,
      '-T',
      '-o',
      'BatchMode=yes',
      '-o',
      'LogLevel=ERROR',
      ...forClient(options),
      '--',
      alias,
      ...options.command,
    ]
    const limit = AbortSignal.any([left, AbortSignal.timeout(options.timeout * 1000)])
    const child = spawn('ssh', args, { stdio: ['ignore', 'pipe', 'pipe'], signal: limit, killSignal: 'SIGTERM' })
    const kept = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      let rest = ''
      const say = (line: string) => {
        if (!options.json) writeText(name, `${alias}: ${line}`)
      }
      child[name].setEncoding('utf8').on('data', (text: string) => {
        kept[name] = (kept[name] + text).slice(-keptOutput)
        const lines = (rest + text).split('\n')
        rest = (lines.pop() ?? '').slice(-keptOutput)
        for (const line of lines) say(line)
      })
      child[name].once('end', () => rest !== '' && say(rest))
    }
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', error => (limit.aborted ? resolve(null) : reject(noProgram('ssh', error))))
      child.once('close', resolve)
    })
    const state = left.aborted ? 'stopped' : limit.aborted ? 'timed-out' : exitCode === 0 ? 'done' : 'failed'
    // ssh's own failures have a code that commands hardly use.
    const isOwn = exitCode === 255 && state === 'failed'
    const reason = {
      stopped: 'you left',
      'timed-out': `it took more than ${options.timeout} s`,
      done: null,
      failed: null,
    }[state]
    if (isOwn) return { state: 'unreached', exitCode: null, ...kept, reason: lastLine(kept.stderr) }
    return { state, exitCode, ...kept, reason: reason ?? (state === 'failed' ? lastLine(kept.stderr) : null) }
  } finally {
    await client.stop()
  }
}

function lastLine(text: string): string | null {
  return text.trim().split('\n').at(-1) || null
}
