/** Words of the search in the journals of several devices. */

import { words } from '../base/language.svelte.ts'
import { plural } from '../base/plural.ts'

export const logsWords = words(
  {
    title: 'Logs',
    lead: 'Searches the journals of several devices. Each has its own and is asked for it, so it has to be in reach.',
    on: 'Devices',
    onHelp: 'all, names, tag:TAG, site:SITE or config:CONFIG; several with spaces between',
    text: 'Text',
    textHelp: 'in any case of letters; empty for all lines',
    unit: 'Unit',
    unitHelp: 'such as web; empty for all',
    since: 'Since',
    spans: { '15min': '15 minutes ago', '1h': 'an hour ago', '1d': 'a day ago', '7d': 'a week ago' } as Record<
      string,
      string
    >,
    search: 'Search',
    stop: 'Stop',
    unknown: (choice: string) => `No device is meant by ${choice}`,
    unknownHint: 'Write all, the names of devices, tag:TAG, site:SITE or config:CONFIG.',
    progress: (done: string, all: number) => `${done} of ${plural(all, '# device', '# devices')}`,
    found: (lines: number, fits: number, read: number) =>
      `${plural(lines, '# line', '# lines')} on ${plural(fits, '# device', '# devices')} of ${read} that were read`,
    newest: (count: number) =>
      plural(count, 'The newest # is shown; the download has all.', 'The newest # are shown; the download has all.'),
    none: 'No line has this text',
    noneText: 'Devices keep their journals for a while only. An earlier start or another unit may have it.',
    unread: 'Not read',
    cut: (names: string) => `Searched in the newest lines only, of ${names}: name a unit, or a later start.`,
    lines: 'Lines that were found',
    download: 'Download',
    columns: { device: 'Device', reason: 'Why' },
  },
  {
    title: 'Logs',
    lead: 'Durchsucht die Journale mehrerer Geräte. Jedes hat sein eigenes und wird danach gefragt, muss also in Reichweite sein.',
    on: 'Geräte',
    onHelp: 'all, Namen, tag:TAG, site:STANDORT oder config:CONFIG; mehrere mit Leerzeichen dazwischen',
    text: 'Text',
    textHelp: 'groß oder klein geschrieben; leer für alle Zeilen',
    unit: 'Unit',
    unitHelp: 'etwa web; leer für alle',
    since: 'Seit',
    spans: { '15min': '15 Minuten', '1h': 'einer Stunde', '1d': 'einem Tag', '7d': 'einer Woche' },
    search: 'Suchen',
    stop: 'Anhalten',
    unknown: (choice: string) => `Mit ${choice} ist kein Gerät gemeint`,
    unknownHint: 'all, Namen von Geräten, tag:TAG, site:STANDORT oder config:CONFIG schreiben.',
    progress: (done: string, all: number) => `${done} von ${plural(all, '# Gerät', '# Geräten')}`,
    found: (lines: number, fits: number, read: number) =>
      `${plural(lines, '# Zeile', '# Zeilen')} auf ${plural(fits, '# Gerät', '# Geräten')} von ${read}, die gelesen wurden`,
    newest: (count: number) =>
      plural(
        count,
        'Die neueste # ist zu sehen; der Download hat alle.',
        'Die neuesten # sind zu sehen; der Download hat alle.',
      ),
    none: 'Keine Zeile hat diesen Text',
    noneText:
      'Geräte behalten ihre Journale nur eine Weile. Ein früherer Beginn oder eine andere Unit hat ihn vielleicht.',
    unread: 'Nicht gelesen',
    cut: (names: string) =>
      `Nur in den neuesten Zeilen gesucht, von ${names}: eine Unit oder einen späteren Beginn nennen.`,
    lines: 'Gefundene Zeilen',
    download: 'Herunterladen',
    columns: { device: 'Gerät', reason: 'Warum' },
  },
)
