/** Words of the overview. */

import { words } from '../base/language.svelte.ts'
import { plural } from '../base/plural.ts'

export const overviewWords = words(
  {
    title: 'Overview',
    needs: 'Needs you now',
    nothing: 'Nothing needs you now.',
    failed: (count: number) => plural(count, '# device failed its update', '# devices failed their update'),
    held: (wave: number) => `The rollout is held at wave ${wave}`,
    proposals: (count: number) => plural(count, '# proposal waits for signatures', '# proposals wait for signatures'),
    alarms: {
      clone: (subject: string) => `Two devices use one key: ${subject}`,
      equivocation: (subject: string) => `Two documents of one version were signed: ${subject}`,
      log: (subject: string) => `A device has taken back entries of its witnessed log: ${subject}`,
    },
    verified: 'This controller has seen the evidence itself.',
    claimed: (by: string) => `Said by ${by}; this controller has not seen the evidence.`,
    rootEnd: (days: number) =>
      plural(days, 'The root of the fleet ends in # day', 'The root of the fleet ends in # days'),
    rootEndHint: 'Sign it anew in time: after that, devices take no release.',
    damaged: (count: number) =>
      plural(count, "# path of this machine's Nix store is damaged", "# paths of this machine's Nix store are damaged"),
    damagedHint: 'Devices ask for them here in vain. Repair them: nix-store --repair-path',
    duplicate: (name: string) => `More than one device is called ${name}`,
    alone: 'No peer is in reach',
    aloneHint: 'What you see is what this controller knew last.',
    rollout: 'Rollout',
    done: 'All devices run it.',
    devices: 'Devices',
    versions: 'Releases in the field',
    unknown: 'none reported',
    daemons: 'Versions of the daemon',
    sites: 'Sites',
    sitesColumns: { site: 'Site', devices: 'Devices', current: 'Current', failed: 'Failed', heard: 'Last heard' },
    noSite: 'without a site',
    recent: 'Latest tasks',
    all: 'Show all',
    newest: (name: string) => `Release ${name} is in force`,
    first: {
      title: 'Welcome to your fleet',
      text: 'Nothing is in it yet. Three steps bring the first device in.',
      steps: [
        'Make a token that lets devices in',
        'Start the daemon on a device with it',
        'Commit the project and deploy',
      ],
    },
    availability: 'Availability',
    availabilityText:
      'Which part of each of the last 14 days a device was on: it measures itself, so it has to be in reach.',
    availabilityHelp:
      'Filled: on all day. Partly filled: on for a part. Crossed: off. Dashed: before its first measurement. Days are UTC.',
    mean: 'On average',
    nobodyReached: 'No device is in reach',
    nobodyAnswered: 'No device has answered',
    askDevices: (count: number) => plural(count, 'Ask # device', 'Ask # devices'),
    notAsked: (count: number) =>
      plural(count, '# more is out of reach or did not answer.', '# more are out of reach or did not answer.'),
    notKnown: 'not known',
    on: 'On',
    sitesDevice: 'Device',
    risks: 'Who fails next',
  },
  {
    title: 'Übersicht',
    needs: 'Jetzt zu tun',
    nothing: 'Nichts ist zu tun.',
    failed: (count: number) =>
      plural(count, '# Gerät ist mit dem Update gescheitert', '# Geräte sind mit dem Update gescheitert'),
    held: (wave: number) => `Welle ${wave} ist angehalten`,
    proposals: (count: number) =>
      plural(count, '# Vorschlag wartet auf Unterschriften', '# Vorschläge warten auf Unterschriften'),
    alarms: {
      clone: (subject: string) => `Zwei Geräte benutzen einen Schlüssel: ${subject}`,
      equivocation: (subject: string) => `Zwei Dokumente einer Version wurden signiert: ${subject}`,
      log: (subject: string) => `Ein Gerät hat Einträge seines bezeugten Protokolls zurückgenommen: ${subject}`,
    },
    verified: 'Dieser Controller hat den Beweis selbst gesehen.',
    claimed: (by: string) => `Sagt ${by}; dieser Controller hat den Beweis nicht gesehen.`,
    rootEnd: (days: number) =>
      plural(days, 'Die Wurzel der Flotte endet in # Tag', 'Die Wurzel der Flotte endet in # Tagen'),
    rootEndHint: 'Rechtzeitig neu signieren: Danach übernehmen Geräte kein Release mehr.',
    damaged: (count: number) =>
      plural(
        count,
        '# Pfad im Nix-Store dieses Rechners ist beschädigt',
        '# Pfade im Nix-Store dieses Rechners sind beschädigt',
      ),
    damagedHint: 'Geräte fragen hier vergeblich danach. Reparieren: nix-store --repair-path',
    duplicate: (name: string) => `Mehr als ein Gerät heißt ${name}`,
    alone: 'Kein Peer ist in Reichweite',
    aloneHint: 'Zu sehen ist, was dieser Controller zuletzt wusste.',
    rollout: 'Ablauf',
    done: 'Alle Geräte führen es aus.',
    devices: 'Geräte',
    versions: 'Releases auf den Geräten',
    unknown: 'keins gemeldet',
    daemons: 'Versionen des Daemons',
    sites: 'Standorte',
    sitesColumns: {
      site: 'Standort',
      devices: 'Geräte',
      current: 'Aktuell',
      failed: 'Gescheitert',
      heard: 'Zuletzt gehört',
    },
    noSite: 'ohne Standort',
    recent: 'Letzte Aufgaben',
    all: 'Alle zeigen',
    newest: (name: string) => `Release ${name} gilt`,
    first: {
      title: 'Willkommen in deiner Flotte',
      text: 'Noch ist sie leer. Drei Schritte bringen das erste Gerät hinein.',
      steps: [
        'Ein Token erzeugen, das Geräte einlässt',
        'Den Dienst auf einem Gerät damit starten',
        'Projekt committen und ausrollen',
      ],
    },
    availability: 'Verfügbarkeit',
    availabilityText:
      'Zu welchem Teil jedes der letzten 14 Tage ein Gerät an war: Es misst sich selbst, muss also in Reichweite sein.',
    availabilityHelp:
      'Gefüllt: den ganzen Tag an. Teils gefüllt: zum Teil an. Durchgestrichen: aus. Gestrichelt: vor seiner ersten Messung. Tage in UTC.',
    mean: 'Im Mittel',
    nobodyReached: 'Kein Gerät ist in Reichweite',
    nobodyAnswered: 'Kein Gerät hat geantwortet',
    askDevices: (count: number) => plural(count, '# Gerät fragen', '# Geräte fragen'),
    notAsked: (count: number) =>
      plural(
        count,
        '# weiteres ist außer Reichweite oder hat nicht geantwortet.',
        '# weitere sind außer Reichweite oder haben nicht geantwortet.',
      ),
    notKnown: 'nicht bekannt',
    on: 'An',
    sitesDevice: 'Gerät',
    risks: 'Was bald ausfällt',
  },
)
