/** `thymesh logs`: a device's journal, or the log of the activation that failed last, over the mesh. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import type { JournalQuery } from '../../node/logs/journal-reader.ts'
import { askForLog, LogError } from '../../node/logs/log-service.ts'
import type { MeshPeer } from '../../node/mesh/mesh-peer.ts'
import { timeText } from '../../protocol/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { type LogRequest, unitNameSchema } from '../../protocol/logs.ts'
import { openProject } from '../project/project.ts'
import { deviceNamed, reach } from '../reach.ts'
import type { Session } from '../session.ts'
import { takeNews, withSession } from './context.ts'
import type { ProjectOptions } from './options.ts'
import { print } from './output.ts'

export interface LogsOptions extends ProjectOptions {
  device: string
  unit?: string
  lines: number
  since?: Date
  activation: boolean
  follow: boolean
  wait: number
}

/** A device that has just met us may be busy with others' questions. */
const busyPauseMs = 2_000
const busyTries = 3
/** A device answers one controller that often for long. */
const followMs = 2_500

export async function logs(options: LogsOptions): Promise<undefined> {
  const project = await openProject(options.project)
  return await withSession(project, options, session => show(session, options))
}

async function show(session: Session, options: LogsOptions): Promise<undefined> {
  await takeNews(session, options, Math.min(2, options.wait))
  const { peer } = session
  const device = deviceNamed(peer, options.device)
  const report = peer.directory.report(device.peer)?.document
  const request = options.activation ? activationOf(report?.log?.hash, options.device) : journalOf(options)
  const id = await reach(peer, device, options.wait * 1000)
  const lines = await linesOf(peer, id, request)
  print(options, { device: options.device, peer: device.peer, lines }, lines.map(printable).join('\n'))
  if (options.follow && !options.json && 'journal' in request) await follow(peer, id, request.journal, lines)
  return undefined
}

async function linesOf(peer: MeshPeer, id: PeerId, request: LogRequest): Promise<string[]> {
  const text = Buffer.from(await ask(() => askForLog(peer, id, request))).toString()
  return text.split('\n').filter((line, at, all) => line !== '' || at < all.length - 1)
}

/** Prints what is new, until the operator leaves. Lines are dated to the second: those of the last one are asked for again. */
async function follow(peer: MeshPeer, id: PeerId, query: JournalQuery, printed: string[]): Promise<void> {
  const leave = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leave.abort())
  let last = printed
  while (!leave.signal.aborted) {
    await sleep(followMs, undefined, { signal: leave.signal }).catch(() => {})
    const newest = last.findLast(line => timeOf(line) !== undefined)
    const since = (newest && timeOf(newest)) ?? query.since
    const lines = await linesOf(peer, id, { journal: { ...query, lines: limits.logLines, ...(since && { since }) } })
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

function journalOf({ unit, lines, since }: LogsOptions): LogRequest {
  const name = unit === undefined || unit.includes('.') ? unit : `${unit}.service`
  if (name !== undefined && !unitNameSchema.safeParse(name).success) {
    throw new LogError('invalid-unit', `expected the name of a unit such as web.service, got ${JSON.stringify(unit)}`)
  }
  return { journal: { lines, ...(name !== undefined && { unit: name }), ...(since && { since: timeText(since) }) } }
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
