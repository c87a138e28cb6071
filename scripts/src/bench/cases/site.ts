/** `site`: eight devices behind one uplink of 100 Mbit/s, the controller beyond it, beside the same with nginx there. */

import { arena, type Bench } from '../bench.ts'
import { binaryCache, type Compression } from '../binary-cache.ts'
import { BenchFleet } from '../fleet.ts'
import { serve } from '../nginx.ts'
import { nixFetch } from '../nix-fetch.ts'
import { between, type Counters, endOf, type Place, shape } from '../place.ts'
import type { Result } from '../result.ts'
import type { Scratch } from '../scratch.ts'
import type { System } from '../systems.ts'

const devices = 8
const uplinkMbit = 100
const lanMbit = 1000

interface SiteTaken {
  readonly lastSeconds: number
  /** Of the controller's or the server's cable, which is the uplink. */
  readonly uplink: Counters
}

export async function site(bench: Bench): Promise<Result> {
  const { small } = await bench.systems()
  const ours = await mesh(bench, small)
  const nginx = await web(bench, small, 'none')
  const zstd = await web(bench, small, 'zstd')
  const copies = (taken: SiteTaken) => taken.uplink.sent / small.narSize
  const copySeconds = (small.narSize * 8) / (uplinkMbit * 1e6)
  return {
    case: 'site',
    bounds: [
      { what: `uplink, in copies, for ${devices} devices`, figure: copies(ours), unit: 'copies', goal: 1.05 },
      { what: 'last device, ≤ 1.3 × one copy', figure: ours.lastSeconds, unit: 's', goal: 1.3 * copySeconds },
    ],
    peers: { nginx: copies(nginx), 'nginx, zstd': copies(zstd) },
    detail: {
      paths: small.paths.length,
      narBytes: small.narSize,
      copySeconds,
      thymesh: ours,
      nginx,
      'nginx, zstd': zstd,
      counted: "the uplink's interface at the far side, headers included; seconds from the head going out",
    },
  }
}

/** The places of a site, and the one beyond its uplink: a cable as narrow as the uplink into the site's switch. */
async function sitePlaces(stack: AsyncDisposableStack): Promise<{ scratch: Scratch; far: Place; places: Place[] }> {
  const { network, scratch } = await arena(stack)
  const cable = async (mbit: number) => {
    const link = await network.attach()
    await shape(network, link, mbit)
    return endOf(link)
  }
  const far = await cable(uplinkMbit)
  const places: Place[] = []
  for (let number = 0; number < devices; number++) places.push(await cable(lanMbit))
  return { scratch, far, places }
}

function mesh(bench: Bench, system: System): Promise<SiteTaken & { cpuSeconds: number; reports: unknown[] }> {
  return bench.with(async stack => {
    const { scratch, far, places } = await sitePlaces(stack)
    const options = { directory: scratch.directory, place: far, bench }
    const fleet = stack.use(await BenchFleet.start(options))
    for (const [index, place] of places.entries()) await fleet.addDevice(`device-${index + 1}`, place, 'site-1')
    const cpu = async () => {
      const each = await Promise.all(fleet.devices.map(({ program }) => program.cpuSeconds()))
      return each.reduce((sum, seconds) => sum + seconds, 0)
    }
    const before = { cpu: await cpu(), uplink: await far.counters() }
    const updates = [...(await fleet.update(system, 170_000)).values()]
    const uplink = between(before.uplink, await far.counters())
    const lastSeconds = Math.max(...updates.map(({ seconds }) => seconds))
    bench.say(`  thymesh: ${lastSeconds.toFixed(1)} s, ${(uplink.sent / 1e6).toFixed(0)} MB`)
    const reports = updates.map(({ seconds, report }) => ({ seconds, ...report.update }))
    return { lastSeconds, uplink, cpuSeconds: (await cpu()) - before.cpu, reports }
  })
}

function web(bench: Bench, system: System, compression: Compression): Promise<SiteTaken> {
  return bench.with(async stack => {
    const { scratch, far, places } = await sitePlaces(stack)
    const { url } = await serve(stack, scratch, far, await binaryCache(system, compression))
    const before = await far.counters()
    const fetched = places.map(async (place, index) => {
      const to = await scratch.folder(`store-${index}`)
      return await nixFetch(system, 'copy', { scratch, place, from: url, to })
    })
    const lastSeconds = Math.max(...(await Promise.all(fetched)).map(({ seconds }) => seconds))
    const uplink = between(before, await far.counters())
    bench.say(`  nginx, ${compression}: ${lastSeconds.toFixed(1)} s, ${(uplink.sent / 1e6).toFixed(0)} MB`)
    return { lastSeconds, uplink }
  })
}
