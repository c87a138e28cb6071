/** Why a device waits for its turn, in German: devices say it in English, in the few sentences that rollouts have. */

/** What a group of the expression does not find is empty. */
type Sentence = readonly [english: RegExp, german: (...found: string[]) => string]

/** Durations as devices write them. */
const span = String.raw`\d+ (?:s|min|h|days)`
const spanText = (english: string) => english.replace(/days$/, 'Tagen')
const windowText = (english: string) => (english === 'maintenance window' ? 'Wartungsfenster' : 'Fenster für Neustarts')
const ofText = (confirmed: string, of: string) => `${confirmed} von ${of} bestätigt`

const sentences: readonly Sentence[] = [
  [/^the release has no waves$/, () => 'das Release hat keine Wellen'],
  [/^promoted$/, () => 'vorgezogen'],
  [/^the first wave$/, () => 'die erste Welle'],
  [/^the waves before have confirmed$/, () => 'die Wellen davor haben bestätigt'],
  [/^alone: none of the waves before is in reach$/, () => 'allein: keine der Wellen davor ist in Reichweite'],
  [/^alone: of those in reach, (.+)$/, rest => `allein: Von denen in Reichweite gilt: ${germanReason(rest)}`],
  [
    new RegExp(`^(.+); goes on alone in (${span}) if nothing is heard of it$`),
    (rest, time) => `${germanReason(rest)}; geht in ${spanText(time)} allein weiter, wenn nichts davon zu hören ist`,
  ],
  [
    new RegExp(`^wave (\\d+) has (\\d+) of (\\d+) confirmed, soak ends in (${span})$`),
    (wave, confirmed, of, time) => `Welle ${wave}: ${ofText(confirmed, of)}, die Probezeit endet in ${spanText(time)}`,
  ],
  [
    /^wave (\d+) has (\d+) of (\d+) confirmed(?:, (\d+) failed)?$/,
    (wave, confirmed, of, failed) =>
      `Welle ${wave}: ${ofText(confirmed, of)}${failed === '' ? '' : `, ${failed} gescheitert`}`,
  ],
  [
    /^wave (\d+) has (\d+) of (\d+) failed(?: ?and tolerates (\d+))?: (.+)$/,
    (wave, failed, of, tolerated, names) =>
      `Welle ${wave}: ${failed} von ${of} gescheitert${tolerated === '' ? '' : `, ${tolerated === '1' ? 'erlaubt ist eins' : `erlaubt sind ${tolerated}`}`}: ${names.replace(/ and 1 more$/, ' und ein weiteres').replace(/ and (\d+) more$/, ' und $1 weitere')}`,
  ],
  [
    /^wave (\d+) has devices that are not known here yet: (\d+) of its shards did not come$/,
    (wave, shards) =>
      `Welle ${wave} hat Geräte, die hier noch nicht bekannt sind: ${shards === '1' ? 'ein Teil' : `${shards} Teile`} ihrer Liste ${shards === '1' ? 'fehlt' : 'fehlen'}`,
  ],
  [/^needs a reboot \((.+?)\); (the .+)$/, (why, rest) => `muss neu starten (${why}); ${germanReason(rest)}`],
  [
    new RegExp(`^the (maintenance window|window for reboots) opens in (${span})(?: \\((.+)\\))?$`),
    (which, time, at) => `das ${windowText(which)} öffnet in ${spanText(time)}${at === '' ? '' : ` (${at})`}`,
  ],
  [/^the (maintenance window|window for reboots) never opens$/, which => `das ${windowText(which)} öffnet nie`],
]

/** A sentence that it does not know stays as it is. */
export function germanReason(reason: string): string {
  for (const [english, german] of sentences) {
    const found = english.exec(reason)
    if (found !== null) return german(...found.slice(1).map(each => each ?? ''))
  }
  return reason
}
