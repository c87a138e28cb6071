/** `thymesh logs`: a device's journal, or the log of the activation that failed last, over the mesh. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { askForLog, LogError } from '../../../node/logs/log-service.ts'
import type { MeshPeer } from '../../../node/peer/mesh-peer.ts'
import { timeText, unitNameSchema } from '../../../protocol/encoding/fields.ts'
import { limits } from '../../../protocol/limits.ts'
import type { LogRequest } from '../../../protocol/messages/logs.ts'
import { deviceNamed, reach } from '../../session/reach.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import type { Query, QueryOptions } from '../shell/questions.ts'
import { type Reader, withReader } from '../shell/reader.ts'

export interface LogsOptions extends ProjectOptions {
  device: string
  unit?: string
  lines: number
  since?: Date
  activation: boolean
  follow: boolean
  wait: number
}

type LogsAbout = QueryOptions<'logs'>

type LogsShown = { device: string; peer: string; lines: string[] }

/** A device that has just met us may be busy with others' questions. */
const busyPauseMs = 2_000
const busyTries = 3
/** A device answers one controller that often for long. */
const followMs = 2_500

export async function logs(options: LogsOptions): Promise<undefined> {
  const { device, lines, since, activation, wait } = options
  const unit = options.unit === undefined ? undefined : fullUnit(options.unit)
  const about: LogsAbout = {
    ...{ device, lines, activation, wait },
    ...(unit !== undefined && { unit }),
    ...(since && { since: timeText(since) }),
  }
  return await withReader(options, async reader => {
    const { json, text } = await reader.ask('logs', about, Math.min(2, wait))
    print(options, json, text)
    if (options.follow && !options.json && !activation) await follow(reader, about, (json as LogsShown).lines)
    return undefined
  })
}

export const logsQuery: Query<LogsAbout> = async ({ peer }, about) => {
  const device = deviceNamed(peer, about.device)
  const report = peer.directory.report(device.peer)?.document
  const request = about.activation ? activationOf(report?.log?.hash, about.device) : journalOf(about)
  const id = await reach(peer, device, about.wait * 1000)
  const lines = await linesOf(peer, id, request)
  const shown: LogsShown = { device: about.device, peer: device.peer, lines }
  return { json: shown, text: lines.map(printable).join('\n') }
}

async function linesOf(peer: MeshPeer, id: PeerId, request: LogRequest): Promise<string[]> {
  const text = Buffer.from(await ask(() => askForLog(peer, id, request))).toString()
  return text.split('\n').filter((line, at, all) => line !== '' || at < all.length - 1)
}

/** Prints what is new, until the operator leaves. Lines are dated to the second: those of the last one are asked for again. */
async function follow(reader: Reader, about: LogsAbout, printed: string[]): Promise<void> {
  const leave = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leave.abort())
  let last = printed
  for (;;) {
    await sleep(followMs, undefined, { signal: leave.signal }).catch(() => {})
    if (leave.signal.aborted) return
    const newest = last.findLast(line => timeOf(line) !== undefined)
    const since = (newest && timeOf(newest)) ?? about.since
    const { json } = await reader.ask('logs', { ...about, lines: limits.logLines, ...(since && { since }) }, 0)
    const { lines } = json as LogsShown
    const known = new Set(last)
    const fresh = lines.filter(line => !known.has(line))
    if (fresh.length > 0) process.stdout.write(`${fresh.map(printable).join('\n')}\n`)
    if (lines.length > 0) last = lines
  }
}

/** When a line was written, as `short-iso` has it. */
function timeOf(line: string): string | undefined {
  const date = new Date(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{4}/.exec(line)?.[0].replace(/(\d\d)$/, ':$1') ?? '')
  return Number.isNaN(date.getTime()) ? undefined : timeText(date)
}

function journalOf({ unit, lines, since }: LogsAbout): LogRequest {
  return { journal: { lines, ...(unit !== undefined && { unit }), ...(since && { since }) } }
}

/** A word without a dot is a service. */
function fullUnit(unit: string): string {
  const name = unit.includes('.') ? unit : `${unit}.service`
  if (unitNameSchema.safeParse(name).success) return name
  throw new LogError('invalid-unit', `expected the name of a unit such as web.service, got ${JSON.stringify(unit)}`)
}

function activationOf(hash: Uint8Array | undefined, device: string): LogRequest {
  if (hash !== undefined) return { activation: hash }
  throw new LogError('not-found', `the last report of ${device} names no log of an activation that failed`, {
    hint: '`thymesh logs` without --activation shows its journal.',
  })
}

async function ask(work: () => Promise<Uint8Array>): Promise<Uint8Array> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (thrown) {
      if (tries >= busyTries || !(thrown instanceof LogError) || thrown.code !== 'busy') throw thrown
      await sleep(busyPauseMs)
    }
  }
}

/** What a program on a device wrote must not steer the operator's terminal. */
function printable(line: string): string {
  return [...line].map(each => (isControl(each) ? '\uFFFD' : each)).join('')
}

function isControl(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return (code < 0x20 && code !== 0x09) || (code >= 0x7f && code < 0xa0)
}
