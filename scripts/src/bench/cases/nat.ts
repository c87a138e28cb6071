/**
 * `nat`: two peers behind NATs of network namespaces: how often and how fast they meet directly, what a hub carries
 * between them, what two hubs cost at rest, and how long it takes when one ends.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { NatLab, type NatPlace } from '../../../../test/helpers/nat-lab.ts'
import type { NatWays } from '../../../../test/helpers/nat-peer.ts'
import { NatProcess } from '../../../../test/helpers/nat-process.ts'
import { poll } from '../../../../test/helpers/until.ts'
import { mustRun } from '../../../../test/lab/run.ts'
import { ensurePrograms } from '../apt.ts'
import type { Bench } from '../bench.ts'
import { BenchError } from '../bench-error.ts'
import type { Result } from '../result.ts'

const rounds = 20
const limitMs = 60_000
/** A meeting that took longer counts as missed. */
const meetMs = 1_000
/** Each meeting takes two hellos of each side, and nobody may say more than one in two seconds for long. */
const pauseMs = 5_000
const bulkBytes = 96 << 20
/** What was said at the beginning is over, and each hub is pinged several times in the time that is measured. */
const settleMs = 90_000
const measureMs = 120_000

export function natCase(bench: Bench): Promise<Result> {
  return bench.with(async stack => {
    await ensurePrograms({ ip: 'iproute2', nft: 'nftables', nsenter: 'util-linux', setpriv: 'util-linux' })
    const lab = stack.use(await NatLab.create())
    const now = new Date(Date.now() - 86_400_000).toISOString().replace(/\d{3}Z$/, '000Z')
    const start = async (place: NatPlace, word: string, hubs: NatProcess[], role: 'device' | 'relay' = 'device') => {
      const process = await NatProcess.start(place, { now, word, hubs, role })
      stack.defer(() => process.kill())
      return process
    }
    const first = await start(await lab.host(), 'hub-1', [], 'relay')
    const hubs = [first, await start(await lab.host(), 'hub-2', [first], 'relay')]
    const place = await (await lab.router('easy')).host()
    const a = await start(place, 'a', hubs)
    await atHubs(a)
    bench.say('  one peer at two hubs: at rest …')
    const idle = await idleCost(place)

    const b = await start(await (await lab.router('easy')).host(), 'b', hubs)
    await atHubs(b)
    const times: number[] = []
    for (let round = 0; round < rounds; round++) times.push(await meeting(a, b))
    const met = times.filter(ms => ms <= meetMs).length
    bench.say(`  met directly ${met} of ${rounds} times within a second`)
    const direct = await a.ask<{ bytesPerSecond: number }>({ do: 'bulk', peer: b.peer, bytes: bulkBytes })

    for (const peer of [a, b]) await peer.ask({ do: 'stay-relayed' })
    await a.ask({ do: 'part', peer: b.peer })
    await a.ask({ do: 'dial', peer: b.peer })
    const by = await relayedBy(a, b)
    const relayed = await a.ask<{ bytesPerSecond: number }>({ do: 'bulk', peer: b.peer, bytes: bulkBytes })

    const hub = hubs.find(({ peer }) => peer === by)
    await hub?.kill()
    const ended = performance.now()
    await until(async () => ((await relayedBy(a, b, 0)) ?? by) !== by, 'another hub to stand in')
    const replacedMs = performance.now() - ended
    const sorted = times.toSorted((one, other) => one - other)
    return {
      case: 'nat',
      bounds: [
        { what: `of ${rounds} meetings not direct within 1 s`, figure: rounds - met, unit: '', goal: 1 },
        { what: 'until another hub stands in for one that ended', figure: replacedMs / 1000, unit: 's', goal: 15 },
        {
          what: 'direct rate by relayed rate',
          figure: direct.bytesPerSecond / relayed.bytesPerSecond,
          unit: '×',
          goal: 2.5,
        },
        { what: 'two hubs at rest, both ways', figure: idle.bytesPerSecond, unit: 'B/s', goal: 150 },
      ],
      peers: {},
      detail: {
        meetingMs: { median: sorted[rounds / 2], longest: sorted.at(-1) },
        directMiBPerSecond: direct.bytesPerSecond / (1 << 20),
        relayedMiBPerSecond: relayed.bytesPerSecond / (1 << 20),
        idle,
        counted:
          'a meeting: from the first question to hubs until both sides have a connection; bytes with all headers',
      },
    }
  })
}

/** Milliseconds of one meeting; endless if there was none. */
async function meeting(a: NatProcess, b: NatProcess): Promise<number> {
  await sleep(pauseMs)
  await a.ask({ do: 'part', peer: b.peer })
  await until(async () => (await a.ways(b)).length + (await b.ways(a)).length === 0, 'both to part')
  // Whichever side dials first begins the meeting, and knows how long it took.
  const all = async () => Promise.all([a, b].map(async peer => (await peer.ask<NatWays>({ do: 'ways' })).punched))
  const before = (await all()).map(({ length }) => length)
  await a.ask({ do: 'dial', peer: b.peer })
  const tell = async () => (await all()).map((times, at) => times[before[at] ?? 0]).find(ms => ms !== undefined)
  const took = await poll(tell, { limitMs: 10_000, everyMs: 50 })
  return took ?? Number.POSITIVE_INFINITY
}

async function relayedBy(a: NatProcess, b: NatProcess, waitMs = limitMs): Promise<string | undefined> {
  const way = async () => (await a.ways(b)).find(each => each.startsWith('relayed by '))?.slice('relayed by '.length)
  return waitMs === 0 ? await way() : await poll(way, { limitMs: waitMs, everyMs: 50 })
}

async function atHubs(peer: NatProcess): Promise<void> {
  await until(async () => (await peer.ask<NatWays>({ do: 'ways' })).hubs.length === 2, 'a peer to be at two hubs')
}

async function idleCost(place: NatPlace): Promise<{ bytesPerSecond: number; seconds: number }> {
  await sleep(settleMs)
  const [before, at] = [await bytesOf(place), performance.now()]
  await sleep(measureMs)
  const seconds = (performance.now() - at) / 1000
  return { bytesPerSecond: ((await bytesOf(place)) - before) / seconds, seconds }
}

async function bytesOf(place: NatPlace): Promise<number> {
  const argv = place.argv(['ip', '-s', '-j', 'link', 'show', 'dev', 'eth0'])
  const { rx, tx } = JSON.parse(await mustRun(argv, { timeoutMs: 10_000, env: process.env }))[0].stats64
  return rx.bytes + tx.bytes
}

async function until(what: () => Promise<boolean>, name: string): Promise<void> {
  const holds = await poll(what, { limitMs, everyMs: 50 })
  if (holds === undefined) {
    throw new BenchError('timeout', `waited in vain for ${name}`, { hint: 'Run it on a machine with less load.' })
  }
}
