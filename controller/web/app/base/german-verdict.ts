/** The verdict of `thymesh why` in German, by its code and the facts that come with it; the English words stay beside it. */

import type { VerdictCode, Why } from '../../../api/schemas/why.ts'
import { germanError } from './german-error.ts'
import { germanReason } from './german-reason.ts'

/** How sizes, durations and moments are written. */
export interface Written {
  readonly bytes: (count: number) => string
  readonly duration: (milliseconds: number) => string
  readonly moment: (at: number) => string
}

export interface GermanVerdict {
  readonly text: string
  /** What to do; undefined where nothing has to be done. */
  readonly next: string | undefined
}

type Facts = Why['facts']
type Report = NonNullable<Facts['report']>
type Judge = (known: Known) => readonly [sentences: readonly (string | undefined)[], next?: string]

interface Known {
  readonly facts: Facts
  /** As people name it; a dash where there is none. */
  readonly release: string
  readonly written: Written
}

const wait = 'Nichts ist zu tun.'
const askAgain = (device: string) => `Kurz warten und wieder fragen: thymesh why ${device}`
const newToken = (device: string) => `Mit einem neuen Token dazukommen: thymesh token --names ${device}`

const work: Partial<Record<Report['state'], string>> = {
  preflight: 'prüft, was es geladen hat',
  activating: 'wechselt darauf',
  testing: 'führt es zur Probe aus',
  probing: 'führt es aus, und seine Prüfungen laufen',
  confirming: 'führt es aus und sieht nach, ob es seine Nachbarn noch erreicht',
  committing: 'macht es zu dem, was der nächste Start ausführt',
}

function named(version: number, site: string | null): string {
  return site === null ? String(version) : `${site}/${version}`
}

function runsNow({ device, report }: Facts, subject = device): string {
  if (report === null || report.running === null) return `${subject} führt noch nichts von der Flotte aus.`
  if (report.release === null) return `${subject} führt ein System ohne Namen aus.`
  return `${subject} führt Release ${named(report.release, report.site)} aus.`
}

function asItShould({ facts, release }: Known): string {
  return `${facts.device} führt Release ${release} aus, wie es soll.`
}

/** What it says of its error: the German title, or its own words. */
function errorOf({ device, report }: Facts): string {
  const { error } = report ?? { error: null }
  if (error === null) return 'Es sagt nicht, warum'
  return germanError(error.code, device)?.title ?? error.message.replace(/[.:]$/, '')
}

function hintOf({ device, report }: Facts): string | undefined {
  return report?.error ? germanError(report.error.code, device)?.hint : undefined
}

function failedParts({ report }: Facts): string {
  return [...(report?.health?.units ?? []), ...(report?.health?.probes ?? [])].join(', ')
}

function windowOf({ facts: { window }, written }: Known): string | undefined {
  if (window === null) return undefined
  const which = window.of === 'reboots' ? 'Sein Fenster für Neustarts' : 'Sein Wartungsfenster'
  return `${which} öffnet ${window.opens === null ? 'nie' : `am ${written.moment(Date.parse(window.opens))}`}.`
}

function holdersOf({ holders: { names, count } }: Facts): string | undefined {
  if (count === 0) return undefined
  const more = count > names.length ? ` und ${count - names.length} weitere` : ''
  return `Alles davon ${count === 1 ? 'hat' : 'haben'} ${names.join(', ')}${more}.`
}

function bundleFor({ member }: Facts): string {
  return `thymesh bundle write FILE${member?.site ? ` --for ${member.site}` : ''}`
}

function reachIt(facts: Facts): string {
  if (facts.neighbours === 0) {
    return `Hier ist kein Peer in Reichweite: fragen, wo ein Nachbar von ${facts.device} ist, oder ein Bundle hinbringen: ${bundleFor(facts)}`
  }
  return `Nachsehen, ob es an ist und im Netz eines Nachbarn. Führt kein Netz hin, ein Bundle hinbringen: ${bundleFor(facts)}`
}

/** What waits for a device that has yet to hear of the release. */
function afterwards(known: Known): (string | undefined)[] {
  const { wave, newBytes, holders } = known.facts
  const lacks = newBytes === null || newBytes === 0 ? undefined : `Dann fehlen ihm ${known.written.bytes(newBytes)}.`
  return [
    wave === null || wave.is === 'open'
      ? undefined
      : `Hat es davon gehört, so ${wave.is === 'held' ? 'ist' : 'wartet'} Welle ${wave.number}${wave.is === 'held' ? ' angehalten' : ''}: ${germanReason(wave.reason)}.`,
    windowOf(known),
    lacks,
    holders.count > 0 ? holdersOf(known.facts) : lacks && 'Noch hat kein Gerät alles davon.',
  ]
}

function fetchOf({ facts, release, written }: Known): string[] {
  const update = facts.report?.update
  const got = update ? update.fromControllers + update.fromNeighbours : 0
  const share = update && update.needed > 0 ? `: ${written.bytes(got)} von ${written.bytes(update.needed)} sind da` : ''
  return [runsNow(facts), `Es lädt Release ${release}${share}.`]
}

function paceOf({ facts, written }: Known): string | undefined {
  const update = facts.report?.update
  if (!update || update.bytesPerSecond === 0) return holdersOf(facts)
  const left = update.secondsLeft === undefined ? '' : `, noch etwa ${written.duration(update.secondsLeft * 1000)}`
  return `Es kommen ${written.bytes(update.bytesPerSecond)}/s${left}.`
}

function uplinkOf({ facts: { member, uplink }, written }: Known): string | undefined {
  if (uplink === null) return undefined
  const whose = `Der Uplink von ${member?.site ?? 'seinem Standort'}`
  if (uplink.open) {
    return `${whose} hat heute ${written.bytes(uplink.spent)} von ${written.bytes(uplink.bytesPerDay ?? 0)} verbraucht; der Rest kommt nach Mitternacht UTC.`
  }
  return `${whose} ist zu${uplink.opens === null ? '' : ` und öffnet am ${written.moment(Date.parse(uplink.opens))}`}.`
}

function failure({ facts, release }: Known): string {
  const { attempts = null, state } = facts.report ?? {}
  const tries = attempts === null || attempts < 2 ? '' : ` nach ${attempts} Versuchen`
  const back = state === 'rolled-back' ? ' und ist zu dem zurückgegangen, was vorher lief' : ''
  return `${facts.device} ist mit Release ${release}${tries} gescheitert${back}: ${errorOf(facts)}.`
}

function begins({ facts, release }: Known): string {
  return `${facts.device} kennt Release ${release} und beginnt gleich damit.`
}

const never = (known: Known) => known.facts.window?.opens === null
const correct = 'Die Fenster im Modul updates der Config berichtigen und deployen.'

const judges: Readonly<Record<VerdictCode, Judge>> = {
  runs: known => [[asItShould(known)]],
  'runs-with-error': known => [[asItShould(known), `Es meldet: ${errorOf(known.facts)}.`], hintOf(known.facts)],
  'runs-degraded': known => [
    [asItShould(known), `Aber etwas daran scheitert: ${failedParts(known.facts) || 'Es sagt nicht, was'}.`],
    `Sein Journal lesen: thymesh logs ${known.facts.device}`,
  ],
  'no-release': ({ facts }) => [
    [
      `${facts.asked.name} kennt kein Release der Flotte, und ${facts.device} ist ${facts.member === null ? 'noch nicht ' : ''}dazugekommen.`,
    ],
    'Eines machen: thymesh deploy',
  ],
  'not-named': ({ facts, release }) => [
    [`Release ${release} nennt ${facts.device} nicht: Es behält, was es ausführt.`],
    `Es in devices/${facts.device}.json angeben und deployen: thymesh deploy`,
  ],
  'not-joined': ({ facts, release }) => [
    [`Release ${release} nennt ${facts.device}, aber kein Gerät mit diesem Namen ist dazugekommen.`],
    `Ein Token erzeugen und das Gerät damit starten: thymesh token --names ${facts.device}`,
  ],
  revoked: ({ facts: { device, revoked }, written }) => [
    [
      `${device} wurde${revoked === null ? '' : ` am ${written.moment(Date.parse(revoked.at))}`} widerrufen${revoked?.reason ? ` (${revoked.reason})` : ''}: Die Flotte spricht nicht mit ihm.`,
    ],
    newToken(device),
  ],
  'certificate-ended': ({ facts: { device, member }, written }) => [
    [
      `Das Zertifikat von ${device} endete am ${written.moment(Date.parse(member?.expires ?? ''))}: Andere Peers weisen es ab, also hört es nichts Neues.`,
    ],
    `Ein neues signieren; es kommt über das Mesh oder ein Bundle: thymesh members renew ${device}`,
  ],
  'no-member': ({ facts: { device } }) => [
    [
      `Das Zertifikat von ${device} macht es nicht mehr zum Mitglied: Sein Token wurde widerrufen, oder die Schlüssel, die es signierten, wurden ersetzt.`,
    ],
    newToken(device),
  ],
  'no-report': known => [
    [
      `${known.facts.device} ist dazugekommen, aber kein Bericht kam zu ${known.facts.asked.name}.`,
      ...afterwards(known),
    ],
    reachIt(known.facts),
  ],
  'not-heard': known => {
    const { device, asked, connected, report } = known.facts
    return [
      [
        runsNow(known.facts),
        `Sein letzter Bericht spricht nicht von Release ${known.release}.`,
        report?.error ? `Vorher war es gescheitert: ${errorOf(known.facts)}.` : undefined,
        connected
          ? `Es ist mit ${asked.name} verbunden und sollte in Sekunden davon hören.`
          : `Es ist nicht mit ${asked.name} verbunden.`,
        ...afterwards(known),
      ],
      connected ? askAgain(device) : reachIt(known.facts),
    ]
  },
  equivocation: ({ facts }) => [
    [
      runsNow(facts),
      'Zwei verschiedene Dokumente einer Version sind signiert, also installiert kein Gerät etwas Neues.',
    ],
    germanError('equivocation', facts.device)?.hint,
  ],
  'first-release': known => [[begins(known)], askAgain(known.facts.device)],
  begins: known => [[runsNow(known.facts), begins(known)], askAgain(known.facts.device)],
  fetching: known => [[...fetchOf(known), paceOf(known)], wait],
  'nobody-has-it': known => [
    [...fetchOf(known), 'Kein Gerät hat alles davon.'],
    `Einen Controller, der es hat, im Mesh lassen (thymesh serve), oder ein Bundle hinbringen: ${bundleFor(known.facts)}`,
  ],
  'waits-for-uplink': known => [
    [...fetchOf(known), uplinkOf(known)],
    `${wait} Schneller geht es mit einem Bundle: ${bundleFor(known.facts)}`,
  ],
  'waits-for-wave': known => {
    const { facts } = known
    const { wave } = facts
    const own = wave !== null && wave.is !== 'open' ? wave.reason : (facts.report?.turn?.reason ?? '')
    const number = facts.report?.turn?.wave ?? wave?.number ?? '–'
    return [
      [runsNow(facts), `Es ist in Welle ${number}, und die wartet: ${germanReason(own)}.`, windowOf(known)],
      `${wait} Worauf die Wellen warten: thymesh rollout`,
    ]
  },
  'held-by-failures': ({ facts }) => {
    const { wave = '–', reason = '' } = facts.report?.turn ?? {}
    const site = facts.release?.site ? ` --site ${facts.release.site}` : ''
    return [
      [runsNow(facts), `Welle ${wave} ist wegen Fehlern angehalten: ${germanReason(reason)}.`],
      `Die Config berichtigen und neu deployen, oder die Welle trotzdem öffnen: thymesh promote --wave ${wave}${site}`,
    ]
  },
  'waits-for-window': known => [
    [runsNow(known.facts), windowOf(known)],
    never(known) ? correct : 'Nichts ist zu tun: Es beginnt dann.',
  ],
  'waits-for-reboot': known => [
    [
      runsNow(known.facts),
      `Dafür muss es neu starten (${known.facts.report?.awaitsReboot ?? '–'}).`,
      windowOf(known) ?? 'Es startet gleich neu.',
    ],
    never(known) ? correct : 'Nichts ist zu tun: Es startet dann neu.',
  ],
  'at-work': ({ facts, release }) => [
    [`${facts.device} hat Release ${release} geladen und ${work[facts.report?.state ?? 'preflight'] ?? 'wechselt'}.`],
    `Warten; wenn es lange dauert: thymesh logs ${facts.device}`,
  ],
  'on-trial': ({ facts, release }) => [
    [
      `${facts.device} führt Release ${release} auf Probe aus: Gescheitert sind ${failedParts(facts) || 'Units'}, also führt der nächste Start das vorige aus.`,
    ],
    `Das Protokoll lesen (thymesh logs ${facts.device}) und es berichtigen, oder eine Abhilfe deployen.`,
  ],
  'rolling-back': ({ facts }) => [
    [`${facts.device} geht zu dem zurück, was vorher lief: ${errorOf(facts)}.`],
    askAgain(facts.device),
  ],
  'failed-for-good': known => [
    [failure(known), runsNow(known.facts, 'Es'), 'Dieses Release versucht es nicht noch einmal.'],
    hintOf(known.facts),
  ],
  'tries-again': known => [
    [failure(known), runsNow(known.facts, 'Es'), 'Es versucht es von selbst wieder.'],
    hintOf(known.facts),
  ],
}

/** What else is worth to know, whatever the verdict. */
function remarks({ member, report, now }: Facts): (string | undefined)[] {
  const ahead = report?.at && now !== null && Date.parse(report.at) - Date.parse(now) > 600_000
  return [
    member !== null && member.others > 0
      ? `So heißen auch ${member.others === 1 ? 'ein anderer Peer' : `${member.others} andere Peers`}: Einer davon ist nicht, was er scheint.`
      : undefined,
    ahead ? 'Seine Uhr oder die hier geht falsch: Sein letzter Bericht kommt aus der Zukunft.' : undefined,
    report?.freshness === 'expired'
      ? 'Nach seiner Uhr sind seine Metadaten abgelaufen: neu deployen, mit --force, wenn sich nichts ändert.'
      : undefined,
  ]
}

export function germanVerdict({ verdict, facts }: Pick<Why, 'verdict' | 'facts'>, written: Written): GermanVerdict {
  const release = facts.release === null ? '–' : named(facts.release.version, facts.release.site)
  const [sentences, next] = judges[verdict]({ facts, release, written })
  return { text: [...sentences, ...remarks(facts)].filter(each => each !== undefined).join(' '), next }
}
