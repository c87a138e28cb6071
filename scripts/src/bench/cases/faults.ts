/** `faults`: an update with the seed killed midway, one peer sending wrong bytes and one stalling. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { arena, type Bench } from '../bench.ts'
import { BenchError } from '../bench-error.ts'
import { BenchFleet, type Device } from '../fleet.ts'
import type { HostileNews, HostileSettings, Malice } from '../hostile.ts'
import { loopbackOf } from '../place.ts'
import { Program } from '../program.ts'
import type { Result } from '../result.ts'
import { Talk } from '../talk.ts'

/** The seed goes when this much of what is needed has come. */
const killedAt = 0.3
const limitMs = 150_000
const firstPort = 5500

/** The log lines of a device while it fetches, and at the end. */
interface Fetching {
  readonly needed: number
  readonly fromControllers: number
  readonly fromNeighbours: number
  readonly wasted: number
}

export function faults(bench: Bench): Promise<Result> {
  return bench.with(async stack => {
    const { v1, v2 } = await bench.systems()
    const { network, scratch } = await arena(stack)
    const place = loopbackOf(network)
    const { directory } = scratch
    const fleet = stack.use(await BenchFleet.start({ directory, place, bench }))
    const { token, address } = await fleet.ready()
    const device = await fleet.addDevice('device-1', place)
    const other = await fleet.addDevice('device-2', place)
    await fleet.publishEach(
      new Map([
        [device, v1],
        [other, v2],
      ]),
    )
    await Promise.all([fleet.runs(device, v1.topLevel, limitMs), fleet.runs(other, v2.topLevel, limitMs)])
    bench.say('  one device runs version 1, another version 2')
    const hostile = await Promise.all(
      (['lies', 'stalls'] as const).map(async (name, index) => {
        const listen = `/ip4/${place.address}/tcp/${firstPort + index}`
        const dial = [address, device.listen, other.listen]
        return [
          name,
          await startHostile(stack, place.argv, { directory: join(directory, 'hostile'), token, name, listen, dial }),
        ]
      }),
    )
    await sleep(5_000)
    const { at } = await fleet.publishEach(
      new Map([
        [device, v2],
        [other, v2],
      ]),
    )
    const before = await until(
      device,
      v2.topLevel,
      each => each.fromControllers + each.fromNeighbours >= killedAt * each.needed,
    )
    await fleet.controller.kill()
    bench.say(`  the seed was killed after ${((got(before) / before.needed) * 100).toFixed(0)} % had come`)
    const seconds = ((await fleet.runs(device, v2.topLevel, limitMs)) - at) / 1000
    const end = await until(device, v2.topLevel, (_, message) => message === 'the update is done')
    const met = Object.fromEntries(
      hostile.map(([name, talk]) => [name, (talk as Talk<HostileNews>).said.filter(news => 'asked' in news).length]),
    )
    return {
      case: 'faults',
      bounds: [
        { what: 'of the bytes fetched twice, or wrong', figure: (end.wasted / got(end)) * 100, unit: '%', goal: 5 },
        { what: 'of the chunks never came', figure: Math.max(0, end.needed - got(end)), unit: 'B', goal: 0 },
      ],
      peers: {},
      detail: {
        seconds,
        killedAfter: got(before) / before.needed,
        fetched: end,
        requestsToHostile: met,
        counted: "by the device, in bytes of chunks; it completes, or the case can't be measured",
      },
    }
  })
}

const got = ({ fromControllers, fromNeighbours }: Fetching) => fromControllers + fromNeighbours

/** Waits for a device's log lines about its fetch of version 2. */
async function until(
  device: Device,
  topLevel: string,
  isIt: (each: Fetching, message: string) => boolean,
): Promise<Fetching> {
  const deadline = Date.now() + limitMs
  while (Date.now() < deadline) {
    const lines = (await readFile(device.log, 'utf8')).split('\n')
    const begun = lines.findLastIndex(line => line.includes('"the update begins"') && line.includes(topLevel))
    for (const line of begun < 0 ? [] : lines.slice(begun)) {
      if (!/"(fetching|the update is done)"/.test(line)) continue
      const { msg, ...each }: Fetching & { msg: string } = JSON.parse(line)
      if (each.needed > 0 && isIt(each, msg)) return each
    }
    await sleep(50)
  }
  throw new BenchError('timeout', `waited ${limitMs / 1000} s for ${device.name} to fetch`)
}

async function startHostile(
  stack: AsyncDisposableStack,
  argv: (argv: readonly string[]) => string[],
  settings: HostileSettings,
): Promise<Talk<HostileNews>> {
  const script = join(import.meta.dirname, '../hostile.ts')
  const log = join(settings.directory, `../${settings.name satisfies Malice}.log`)
  const program = stack.use(
    new Program(argv([process.execPath, script, JSON.stringify(settings)]), { log, talks: true }),
  )
  const talk = new Talk<HostileNews>(program)
  const late = async () => new BenchError('timeout', `waited 60 s for the peer that ${settings.name} to start`)
  await talk.wait(60_000, news => 'ready' in news, late)
  return talk
}
