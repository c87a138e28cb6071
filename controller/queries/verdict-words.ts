/** Sentences that several verdicts of `thymesh why` share. */

import { inWords } from '../../node/rollout/decision.ts'
import type { DeviceFacts } from '../../node/standing/facts.ts'
import { hintFor } from '../format/hints.ts'
import { inOneLine } from '../format/one-line.ts'
import { releaseName } from '../format/release-name.ts'
import { ago, size } from '../format/table.ts'

/** Devices report at least every six hours, if all is quiet. */
const silentMs = 7 * 3_600_000
/** A device's clock may be off by minutes; beyond it, ages say nothing. */
const aheadMs = 10 * 60_000

export function releaseIn({ version, site }: NonNullable<DeviceFacts['release']>): string {
  return releaseName({ version, site: site ?? undefined })
}

export function runsNow({ device, report }: DeviceFacts, subject = device): string {
  if (report === null || report.running === null) return `${subject} runs nothing of the fleet yet.`
  const name =
    report.release === null
      ? 'an unnamed system'
      : `release ${releaseName({ version: report.release, site: report.site ?? undefined })}`
  return `${subject} runs ${name}.`
}

/** A message of others in the middle of a sentence. */
export function quoted(message: string): string {
  return inOneLine(message).replace(/[.:]$/, '')
}

export function ageOf(time: string, now: string): string {
  return ago(time, Date.parse(now))
}

/** Such as ` (3 h ago)`; nothing where the clocks don't tell. */
export function ageInBrackets({ report, now }: DeviceFacts, word?: string): string {
  if (!report?.at || now === null || isAhead(report.at, now)) return ''
  return ` (${word === undefined ? '' : `${word} `}${ageOf(report.at, now)})`
}

function isAhead(at: string, now: string): boolean {
  return Date.parse(at) - Date.parse(now) > aheadMs
}

export function seconds(count: number): string {
  return inWords(count * 1000)
}

/** A time that comes, with how long that is. */
export function when(time: string, now: string | null): string {
  return now === null ? `at ${time}` : `in ${inWords(Date.parse(time) - Date.parse(now))} (${time})`
}

export function hint(code: string, device: string): string {
  return hintFor(code)?.replace('NAME', device) ?? 'Read the log on the device: journalctl -u thymesh.'
}

export function holders({ holders: { names, count } }: DeviceFacts): string {
  const more = count > names.length ? ` and ${count - names.length} more` : ''
  return `${names.join(', ')}${more} ${count === 1 ? 'has' : 'have'} all of it.`
}

/** What waits for a device that has yet to hear of the release. */
export function afterwards(facts: DeviceFacts): string[] {
  const { wave, newBytes, holders: known } = facts
  const sentences = []
  if (wave !== null && wave.is !== 'open') {
    sentences.push(
      `Once it has heard of it, wave ${wave.number} ${wave.is === 'held' ? 'is held' : 'waits'}: ${wave.reason}.`,
    )
  }
  sentences.push(...windowLater(facts))
  const bytes = newBytes === null || newBytes === 0 ? '' : `It then lacks ${size(newBytes)}. `
  const who = known.count === 0 ? (bytes === '' ? '' : 'No device has all of it yet.') : holders(facts)
  if (bytes !== '' || who !== '') sentences.push(`${bytes}${who}`.trim())
  return sentences
}

export function windowLater({ window, now }: DeviceFacts): string[] {
  if (window === null) return []
  const which = window.of === 'reboots' ? 'window for reboots' : 'maintenance window'
  return [`Its ${which} ${window.opens === null ? 'never opens' : `opens ${when(window.opens, now)}`}.`]
}

/** Why nothing comes over a site's uplink now. */
export function uplinkNow(
  { member, now }: DeviceFacts,
  { bytesPerDay, spent, open, opens }: NonNullable<DeviceFacts['uplink']>,
): string {
  const whose = `The uplink of ${member?.site ?? 'its site'}`
  if (!open) return `${whose} is closed${opens === null ? '' : ` and opens ${when(opens, now)}`}.`
  return `${whose} has used ${size(spent)} of ${size(bytesPerDay ?? 0)} today; the rest comes after midnight UTC.`
}

export function bundleFor({ member }: DeviceFacts): string {
  return `thymesh bundle write FILE${member?.site ? ` --for ${member.site}` : ''}`
}

/** How a device that is out of reach gets the news. */
export function reachIt(facts: DeviceFacts): string {
  const { device, asked, neighbours } = facts
  const bundle = bundleFor(facts)
  if (asked.role === 'device') return 'Connect it to a neighbour, or take in a bundle: thymesh bundle take FILE'
  if (neighbours === 0)
    return `No peer is in reach here: ask where a neighbour of ${device} is, or carry a bundle to it: ${bundle}`
  return `Look whether it is on and in the network of a neighbour. If no network goes there, carry a bundle: ${bundle}`
}

/** How what nobody has comes to the devices. */
export function bringIt(facts: DeviceFacts): string {
  if (facts.asked.role === 'device') return 'Connect a controller, or take in a bundle: thymesh bundle take FILE'
  return `Keep a controller that has it in the mesh (thymesh serve), or carry a bundle: ${bundleFor(facts)}`
}

/** What else is worth to know, whatever the verdict; `unheard` has told the age of the report already. */
export function remarks(facts: DeviceFacts, { unheard }: { unheard: boolean }): string[] {
  const { device, report, member, now, connected } = facts
  const found: string[] = []
  if (member !== null && member.others > 0) {
    found.push(
      `${member.others === 1 ? 'Another peer has' : `${member.others} other peers have`} the name ${device}: one of them is not what it seems.`,
    )
  }
  if (report === null) return found
  if (report.at !== null && now !== null && isAhead(report.at, now)) {
    found.push('Its clock, or the one here, is wrong: its last report is of a time to come.')
  } else if (
    !unheard &&
    !connected &&
    report.at !== null &&
    now !== null &&
    Date.parse(now) - Date.parse(report.at) > silentMs
  ) {
    found.push(`This is what it said ${ageOf(report.at, now)}: it may have gone on.`)
  }
  if (report.freshness === 'expired')
    found.push('By its clock, its metadata has expired: deploy again, with --force if nothing changes.')
  if (report.freshness === 'unknown' && facts.window !== null) {
    found.push('It has no live clock, so it does not wait for windows.')
  }
  return found
}
