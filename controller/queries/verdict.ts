/** Facts about a device → the verdict of `thymesh why`: whether it runs what it should, why not, and what to do next. */

import type { DeviceFacts } from '../../node/standing/facts.ts'
import { type DeviceState, finalUpdateErrors } from '../../protocol/report/report.ts'
import type { VerdictCode } from '../api/schemas/why.ts'
import { hintFor } from '../format/hints.ts'
import { size } from '../format/table.ts'
import { wayText } from '../format/way.ts'
import * as words from './verdict-words.ts'

interface Verdict {
  readonly code: VerdictCode
  /** Whether it runs what it should, and well. */
  readonly fine: boolean
  /** One paragraph. */
  readonly text: string
  /** What to do; null where nothing has to be done. */
  readonly next: string | null
}

type Judgement = [code: VerdictCode, sentences: readonly string[], next: string | null]

/** A fact that is there where it is asked for. */
type Release = NonNullable<DeviceFacts['release']>
type Wanted = NonNullable<Release['wanted']>
type Report = NonNullable<DeviceFacts['report']>
interface Known {
  readonly facts: DeviceFacts
  readonly release: Release
  readonly wanted: Wanted
  readonly report: Report
}

/** The last part of a budget may be less than a chunk for each device. */
const usedUpShare = 0.9

export function verdictOf(facts: DeviceFacts): Verdict {
  const [code, sentences, next] = judge(facts)
  const text = [...sentences, ...words.remarks(facts, { unheard: code === 'not-heard' })].join(' ')
  return { code, fine: code === 'runs', text, next }
}

function judge(facts: DeviceFacts): Judgement {
  const { device, release, member, report, revoked } = facts
  if (member === null && revoked !== null) {
    const reason = revoked.reason === null ? '' : ` (${revoked.reason})`
    const sentence = `${device} was revoked on ${revoked.at}${reason}: the fleet does not talk to it.`
    return ['revoked', [sentence], hintFor('revoked') ?? null]
  }
  if (release === null) return noRelease(facts)
  const wanted = release.wanted
  const name = words.releaseIn(release)
  if (member === null) {
    const sentence = `Release ${name} names ${device}, but no device of this name has joined the fleet.`
    return [
      'not-joined',
      [sentence],
      `Make a token with \`thymesh token --names ${device}\`, and start the device with it.`,
    ]
  }
  if (!member.valid) return noMember(facts, member)
  if (wanted === null) {
    const sentence = `Release ${name} does not name ${device}: it keeps what it runs.`
    return ['not-named', [sentence], `Declare it in devices/${device}.json, and deploy.`]
  }
  if (report === null) {
    const sentence = `${device} has joined, but no report of it has come to ${facts.asked.name}.`
    return ['no-report', [sentence, ...words.afterwards(facts)], words.reachIt(facts)]
  }
  const known = { facts, release, wanted, report }
  if (report.running === wanted.topLevel && report.state === 'running') return runs(known)
  if (facts.equivocation) {
    const sentence = `Two different documents of one version are signed, so no device installs anything new.`
    return ['equivocation', [words.runsNow(known.facts), sentence], hintFor('equivocation') ?? null]
  }
  if (!report.knowsRelease) return notHeard(known)
  return byState[report.state](known)
}

function noRelease({ device, member, neighbours, asked }: DeviceFacts): Judgement {
  const who = member === null ? `${device} has not joined` : `${device} has joined`
  const sentence = `${asked.name} knows no release of the fleet, and ${who}.`
  const next =
    neighbours === 0 && asked.role === 'device'
      ? 'Connect it to a neighbour, or take in a bundle: thymesh bundle take FILE'
      : 'Make one: thymesh deploy'
  return ['no-release', [sentence], next]
}

function noMember({ device, now }: DeviceFacts, member: NonNullable<DeviceFacts['member']>): Judgement {
  if (member.hasEnded) {
    const when = now === null ? '' : `, ${words.ageOf(member.expires, now)}`
    const sentence = `The certificate of ${device} ended on ${member.expires}${when}: other peers refuse it, so it gets no news.`
    return [
      'certificate-ended',
      [sentence],
      `Sign a new one: thymesh members renew ${device}. It comes by the mesh or by a bundle.`,
    ]
  }
  const sentence = `The certificate of ${device} makes it no member any more: its join token was revoked, or the keys that signed it were replaced.`
  return ['no-member', [sentence], 'Make a new join token with `thymesh token`, and join again.']
}

function runs({ facts, release, report }: Known): Judgement {
  const sentence = `${facts.device} runs release ${words.releaseIn(release)}, as it should.`
  const { error, health } = report
  if (error !== null) {
    return [
      'runs-with-error',
      [sentence, `It reports: ${words.quoted(error.message)}.`],
      words.hint(error.code, facts.device),
    ]
  }
  if (health !== null && health.state !== 'healthy') {
    const failed = [...(health.units ?? []), ...(health.probes ?? [])].join(', ')
    return [
      'runs-degraded',
      [sentence, `But it is ${health.state}: ${failed || 'it does not say what fails'}.`],
      `Read its journal: thymesh logs ${facts.device}`,
    ]
  }
  return ['runs', [sentence], null]
}

/** Its last report is about an older release: perhaps it has not heard of this one, perhaps we have not heard of it. */
function notHeard({ facts, release, report }: Known): Judgement {
  const { device, asked, connected, way } = facts
  const heard = `Its last report${words.ageInBrackets(facts)} does not speak of release ${words.releaseIn(release)}.`
  const link = connected
    ? `It is connected to ${asked.name}${way === null ? '' : ` (${wayText(way)})`}, and should hear of it in seconds.`
    : `It is not connected to ${asked.name}.`
  const failed = report.error === null ? [] : [`It had failed before: ${words.quoted(report.error.message)}.`]
  const sentences = [words.runsNow(facts), heard, ...failed, link, ...words.afterwards(facts)]
  return [
    'not-heard',
    sentences,
    connected ? `Wait a moment, and ask again: thymesh why ${device}` : words.reachIt(facts),
  ]
}

/** What each state means for a device that knows the release and does not run it as it should. */
const byState: Record<DeviceState, (known: Known) => Judgement> = {
  waiting: known =>
    turn(known) ?? ['first-release', [begins(known, known.facts.device)], 'Wait a moment, and ask again.'],
  running: known =>
    turn(known) ?? ['begins', [words.runsNow(known.facts), begins(known, 'It')], 'Wait a moment, and ask again.'],
  fetching,
  preflight: atWork('checks what it fetched, and stops what must not run during the switch'),
  activating: atWork('switches'),
  testing: atWork('runs it for a test, before it becomes what the next boot starts'),
  probing: atWork('runs it, and its health checks are at work'),
  confirming: atWork('runs it, and looks whether it still reaches its neighbours'),
  committing: atWork('makes it what the next boot starts'),
  held: ({ facts, release, report }) => {
    const failed = [...(report.health?.units ?? []), ...(report.health?.probes ?? [])].join(', ')
    const sentence = `${facts.device} runs release ${words.releaseIn(release)} on trial: ${failed || 'units'} failed, so the next boot starts the one before.`
    return ['on-trial', [sentence], `Read the log (thymesh logs ${facts.device}), and repair it or deploy a fix.`]
  },
  'rolling-back': ({ facts, report }) => {
    const why = report.error === null ? '' : `: ${words.quoted(report.error.message)}`
    return ['rolling-back', [`${facts.device} goes back to what ran before${why}.`], 'Wait a moment, and ask again.']
  },
  'rolled-back': failed,
  failed,
}

function begins({ release }: Known, subject: string): string {
  return `${subject} knows release ${words.releaseIn(release)}, and begins with it in a moment.`
}

function atWork(what: string): (known: Known) => Judgement {
  return ({ facts, release }) => [
    'at-work',
    [`${facts.device} has fetched release ${words.releaseIn(release)}, and ${what}.`],
    `Wait; if it lasts for long: thymesh logs ${facts.device}`,
  ]
}

/** Its wave, its window or its reboot; undefined if it reports neither. */
function turn({ facts, release, report }: Known): Judgement | undefined {
  const { turn: reported, update } = report
  if (reported === null) return undefined
  const { wave, window } = facts
  const has = update !== null && update.release >= reported.release && update.pathsDone === update.paths
  const fetched = has && update.paths > 0 ? ' It has all of it already.' : ''
  const start = `${words.runsNow(facts)}${fetched}`
  if (reported.is === 'held') {
    const sentence = `Wave ${reported.wave} is held by failures: ${words.quoted(reported.reason)}.`
    const site = release.site === null ? '' : ` --site ${release.site}`
    return [
      'held-by-failures',
      [start, sentence],
      `Fix the config and deploy again, or open the wave all the same: thymesh promote --wave ${reported.wave}${site}`,
    ]
  }
  const isOpen = wave === null || wave.is === 'open'
  const never = window?.opens === null
  const key = window?.of === 'reboots' ? 'rebootWindows' : 'windows'
  const correct = `Correct \`${key}\` of the config's updates, and deploy.`
  if (isOpen && report.awaitsReboot !== null) {
    const needs = `It has to reboot for it: ${words.quoted(report.awaitsReboot)}.`
    const then = window === null ? ['It reboots in a moment.'] : words.windowLater(facts)
    return ['waits-for-reboot', [start, needs, ...then], never ? correct : 'Nothing has to be done: it reboots then.']
  }
  if (isOpen && window !== null) {
    const next = never ? correct : 'Nothing has to be done: it begins then.'
    return ['waits-for-window', [start, ...words.windowLater(facts)], next]
  }
  const own = wave !== null && wave.is !== 'open' ? wave.reason : reported.reason
  const sentence = `It is in wave ${reported.wave}, which waits: ${words.quoted(own)}.`
  return [
    'waits-for-wave',
    [start, sentence, ...words.windowLater(facts)],
    `Nothing has to be done. What the waves wait for: thymesh rollout`,
  ]
}

function fetching({ facts, release, report }: Known): Judgement {
  const { update } = report
  const got = update === null ? 0 : update.fromControllers + update.fromNeighbours
  const lacks = update !== null && update.needed > got
  const progress = update === null || update.needed === 0 ? '' : `: ${size(got)} of ${size(update.needed)} are here`
  const start = `${words.runsNow(facts)} It fetches release ${words.releaseIn(release)}${progress}.`
  if (lacks && update.bytesPerSecond > 0) {
    const left = update.secondsLeft === undefined ? '' : `, about ${words.seconds(update.secondsLeft)} are left`
    return ['fetching', [start, `Chunks come with ${size(update.bytesPerSecond)}/s${left}.`], 'Nothing has to be done.']
  }
  const { uplink } = facts
  if (
    uplink !== null &&
    !(uplink.open && (uplink.bytesPerDay === null || uplink.spent < uplink.bytesPerDay * usedUpShare))
  ) {
    return [
      'waits-for-uplink',
      [start, words.uplinkNow(facts, uplink)],
      `Nothing has to be done; to bring it sooner, carry a bundle: ${words.bundleFor(facts)}`,
    ]
  }
  if (facts.holders.count === 0) {
    const missing = lacks ? `${size(update.needed - got)} are missing, and no` : 'No'
    return ['nobody-has-it', [start, `${missing} device has all of it.`], words.bringIt(facts)]
  }
  return ['fetching', [start, words.holders(facts)], 'Nothing has to be done, if one of these is in its reach.']
}

function failed({ facts, release, report }: Known): Judgement {
  const { error, attempts, state } = report
  const code = error?.code ?? 'failed'
  const back = state === 'rolled-back' ? ' and went back to what ran before' : ''
  const tries = attempts === null || attempts < 2 ? '' : ` after ${attempts} attempts`
  const why = error === null ? 'it does not say why' : words.quoted(error.message)
  const sentence = `${facts.device} failed with release ${words.releaseIn(release)}${tries}${back}: ${why}.`
  if (finalUpdateErrors.includes(code)) {
    const end = 'It will not try this release again.'
    return ['failed-for-good', [sentence, words.runsNow(facts, 'It'), end], words.hint(code, facts.device)]
  }
  return [
    'tries-again',
    [sentence, words.runsNow(facts, 'It'), `It tries again by itself${words.ageInBrackets(facts, 'reported')}.`],
    words.hint(code, facts.device),
  ]
}
