/**
 * `scale`: what a large fleet costs one of its peers and its controller. Real peers on loopback, in this process, and an
 * operator's commands; the other devices are certificates and reports that were made for it.
 */

import type { Bench } from '../bench.ts'
import type { Result } from '../result.ts'
import { commandCosts } from '../scale/commands.ts'
import { diskWrites } from '../scale/disk-writes.ts'
import { membersMemory } from '../scale/members-memory.ts'
import { newHead } from '../scale/new-head.ts'
import { oneDifference } from '../scale/one-difference.ts'
import { rejoin } from '../scale/rejoin.ts'
import { reportJourney } from '../scale/report-journey.ts'
import { shardCosts } from '../scale/shards.ts'
import { viewTimes } from '../scale/views.ts'

const large = 10_000
const medium = 1_000
const neighbours = 7
/** Reports of a device that nothing happens to: one in six hours. */
const reportsPerDay = 4
const secondsPerDay = 86_400
const minutesPerDay = 1_440

export function scale(bench: Bench): Promise<Result> {
  return bench.with(async stack => {
    const commands = await commandCosts(bench, large, stack)
    const views = viewTimes(large)
    const shards = { ownConfigs: shardCosts(true), oneConfig: shardCosts(false) }
    const memory = await membersMemory(bench, large, stack)
    const head = await newHead(large, stack)
    const synced = await oneDifference(large - neighbours, stack)
    const back = await rejoin(medium, neighbours, stack)
    const batch = Math.round((medium * reportsPerDay) / minutesPerDay)
    const written = await diskWrites(medium, batch, stack)
    const reports = Math.round((large * reportsPerDay) / minutesPerDay)
    const journey = await reportJourney({ peers: 16, dials: 4, reports, minutes: 5 }, stack)
    const heard = (devices: number, each = journey.asNews) =>
      journey.idlePerSecond + (devices * reportsPerDay * each) / secondsPerDay
    return {
      case: 'scale',
      bounds: [
        {
          what: 'a device returns to seven neighbours, 1,000 devices',
          figure: back.bytes / 1e6,
          unit: 'MB',
          goal: 1.2,
        },
        { what: 'a sync where one report differs, 10,000', figure: synced.oneReport / 1e3, unit: 'kB', goal: 2 },
        { what: 'the longest block by a new head, 10,000', figure: head.nextMs, unit: 'ms', goal: 50 },
        { what: 'memory that members add to a daemon, 10,000', figure: memory.added / 1e6, unit: 'MB', goal: 5 },
        { what: 'processor time of the rows of `status`, 10,000', figure: views.devices, unit: 'ms', goal: 100 },
        { what: '`status` as a command, 10,000', figure: commands.status.seconds, unit: 's', goal: 2 },
        { what: 'memory of `status` as a command, 10,000', figure: commands.status.peak / 1e6, unit: 'MB', goal: 250 },
        { what: '`deploy` again as a command, 10,000', figure: commands.deployAgain.seconds, unit: 's', goal: 6 },
        {
          what: 'what a device fetches of a release for 50,000 with a config each',
          figure: shards.ownConfigs.own / 1e3,
          unit: 'kB',
          goal: 500,
        },
        { what: 'disk writes a day, 1,000', figure: (written.bytes * reportsPerDay) / 1e6, unit: 'MB', goal: 10 },
        { what: 'reports heard at rest, 10,000', figure: heard(large), unit: 'B/s', goal: 300 },
      ],
      peers: {},
      detail: {
        commands,
        views,
        shards,
        memory,
        head,
        synced,
        rejoin: back,
        written,
        journey,
        heardOf1000: heard(medium),
        heardOf100: heard(100),
        heardByGossip: heard(large, journey.byGossip),
      },
    }
  })
}
