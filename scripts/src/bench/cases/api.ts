/** The local API of a controller that knows a thousand devices: lists, events, reconnects, the output of a task, and what a device's own API takes. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { openRunning } from '../../../../controller/api/client.ts'
import { eventFrames } from '../../../../controller/api/event-frames.ts'
import type { PeerState } from '../../../../node/state/peer-state.ts'
import { LargeFleet } from '../../../../test/helpers/large-fleet.ts'
import { Mesh, type TestPeer } from '../../../../test/helpers/mesh.ts'
import { serveSession } from '../../../../test/helpers/served-api.ts'
import { sessionOf } from '../../../../test/helpers/session.ts'
import type { Bench } from '../bench.ts'
import { listTimes } from '../list-client.ts'
import { machine, type Result } from '../result.ts'
import { Scratch } from '../scratch.ts'

const devices = 1000
const lists = 300
const reports = 100
const listeners = 16
const reconnects = 100
/** For so long a task says ten megabytes a second. */
const outputSeconds = 5
const outputRate = 10_000_000
const line = `${'a builder says something '.repeat(4)}`.slice(0, 99)

export async function api(bench: Bench): Promise<Result> {
  return await bench.with(stack => measured(bench, stack))
}

async function measured(bench: Bench, stack: AsyncDisposableStack): Promise<Result> {
  const detail = machine()
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const large = new LargeFleet(devices)
  const fill = (state: PeerState) => large.fill(state.database, 1)
  const peer = await mesh.start({ word: 'controller', fleet: large.fleet, fill, keepsDocuments: true })
  const session = await sessionOf(peer, large.fleet, await stack.use(await Scratch.make()).folder('home'))
  const { file, load } = await serveSession(session, stop => void stack.defer(stop))
  bench.say('lists')
  const before = process.cpuUsage()
  const listMs = await listTimes(file, '/v1/devices?limit=1000', lists)
  const { user, system } = process.cpuUsage(before)
  const listCpuMs = (user + system) / 1000 / lists
  bench.say('events')
  const eventMs = await eventTimes(file, peer, large)
  bench.say('reconnects')
  const lost = await lostEvents(file, peer, large)
  bench.say('output')
  const { tasks } = await load()
  const silentShare = await outputShare(file, tasks, 0)
  const share = await outputShare(file, tasks, outputRate)
  bench.say('idle')
  const idle = await idleGrowth(bench, join(await stack.use(await Scratch.make()).folder('device'), 'api.sock'))
  return {
    case: 'api',
    bounds: [
      { what: `p99 of a list of ${devices} devices`, figure: p99(listMs), unit: 'ms', goal: 20 },
      { what: `p99 of an event to ${listeners} listeners`, figure: p99(eventMs), unit: 'ms', goal: 50 },
      { what: `events lost over ${reconnects} reconnects`, figure: lost, unit: 'events', goal: 0 },
      { what: 'a core for 10 MB/s of output', figure: share * 100, unit: '%', goal: 10 },
      { what: "an idle daemon's growth by its API", figure: idle / (1 << 20), unit: 'MiB', goal: 1 },
    ],
    peers: {},
    detail: { ...detail, medianListMs: median(listMs), listCpuMs, medianEventMs: median(eventMs), silentShare },
  }
}

type Tasks = Awaited<ReturnType<Awaited<ReturnType<typeof serveSession>>['load']>>['tasks']

async function timesOf(count: number, work: (at: number) => Promise<void>): Promise<number[]> {
  await work(0)
  const times: number[] = []
  for (let at = 1; at <= count; at++) {
    const start = performance.now()
    await work(at)
    times.push(performance.now() - start)
  }
  return times
}

/** From a report until the last listener has its event. */
async function eventTimes(file: string, peer: TestPeer, large: LargeFleet): Promise<number[]> {
  let heard = 0
  let all = Promise.withResolvers<void>()
  const streams = await Promise.all(Array.from({ length: listeners }, () => openStream(file)))
  for (const stream of streams) {
    void (async () => {
      for await (const { event } of eventFrames(stream)) {
        if (event === 'device' && ++heard % listeners === 0) all.resolve()
      }
    })().catch(() => {})
  }
  const times = await timesOf(reports, async at => {
    all = Promise.withResolvers()
    const device = large.devices[at % devices]
    if (device !== undefined) await peer.directory.addReport(large.report(device, 10 + at))
    await all.promise
  })
  for (const stream of streams) stream.destroy()
  return times
}

async function openStream(file: string) {
  const stream = await openRunning(file, { path: '/v1/events' })
  if (typeof stream === 'string') throw new Error('expected a stream of events, got none')
  return stream
}

/** A listener that comes back again and again: events that it has not heard in the end. */
async function lostEvents(file: string, peer: TestPeer, large: LargeFleet): Promise<number> {
  const heard = new Set<string>()
  let last: string | undefined
  for (let at = 0; at < reconnects; at++) {
    const sent = request({
      socketPath: file,
      path: '/v1/events',
      agent: false,
      headers: last ? { 'Last-Event-ID': last } : {},
    })
    sent.on('error', () => {})
    sent.end()
    const [response] = await once(sent, 'response')
    response.setEncoding('utf8').on('error', () => {})
    const device = large.devices[at]
    if (device !== undefined) await peer.directory.addReport(large.report(device, 1000 + at))
    const [part] = (await once(response, 'data')) as [string]
    for (const [, id = ''] of part.matchAll(/^id: (.+)$/gm)) last = id
    for (const [, name = ''] of part.matchAll(/"device":"([^"]+)"/g)) heard.add(name)
    sent.destroy()
  }
  const stream = await openRunning(file, { path: `/v1/events?after=${last}` })
  if (typeof stream !== 'string') {
    const reading = (async () => {
      for await (const { data } of eventFrames(stream)) heard.add((JSON.parse(data) as { device: string }).device)
    })().catch(() => {})
    await sleep(500)
    stream.destroy()
    await reading
  }
  return reconnects - heard.size
}

/**
 * The share of a core that this process spends while a task talks and another process follows it. The task is in this process, and
 * wakes up each five milliseconds: with a rate of 0 bytes a second, what that takes by itself.
 */
async function outputShare(file: string, tasks: Tasks, rate: number): Promise<number> {
  const perTick = rate / 100 / (line.length + 1)
  const started = Promise.withResolvers<void>()
  const { id } = await tasks.start('bench', {}, async talk => {
    await started.promise
    const begin = performance.now()
    for (let ticks = 0; performance.now() - begin < outputSeconds * 1000; ) {
      for (; ticks < (performance.now() - begin) / 10; ticks++)
        for (let each = 0; each < perTick; each++) talk.note(line)
      await sleep(5)
    }
    return {}
  })
  const follower = spawn('curl', [
    '-sN',
    '-o',
    '/dev/null',
    '--unix-socket',
    file,
    `http://localhost/v1/tasks/${id}/follow`,
  ])
  const ended = once(follower, 'exit')
  await sleep(500)
  const [before, begin] = [process.cpuUsage(), performance.now()]
  started.resolve()
  await tasks.ended(id)
  const { user, system } = process.cpuUsage(before)
  const share = (user + system) / 1000 / (performance.now() - begin)
  await ended
  return share
}

const grownSchema = z.object({ bytes: z.int() })

/** Bytes that a device's own API takes while nobody asks. */
async function idleGrowth(bench: Bench, file: string): Promise<number> {
  const { flags, env } = bench.node
  const program = join(import.meta.dirname, '../idle-api-program.ts')
  const child = spawn(process.execPath, ['--expose-gc', ...flags, program, file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return grownSchema.parse(JSON.parse(said)).bytes
}

function p99(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
}
