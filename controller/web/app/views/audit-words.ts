/** Words of a device's witnessed log. */

import type { DeviceAudit } from '../../../api/schemas/audit.ts'
import { words } from '../base/language.svelte.ts'
import { plural } from '../base/plural.ts'

export const auditWords = words(
  {
    title: 'Witnessed log',
    columns: { index: 'Entry', what: 'What', at: 'When', about: 'About' },
    what: {
      certificate: 'certificate',
      'daemon-started': 'daemon started',
      'clock-jumped': 'clock jumped',
      grants: 'grants of access',
      'session-began': 'session began',
      'session-ended': 'session ended',
      'session-refused': 'session refused',
      'forward-opened': 'forwarding allowed',
      'forward-began': 'connection forwarded',
      'forward-refused': 'forwarding refused',
      'screen-began': 'view of a screen began',
      'screen-ended': 'view of a screen ended',
      'screen-refused': 'view of a screen refused',
      'screen-snapshot': 'snapshot of a screen taken',
      'update-ended': 'update ended',
    } as Record<string, string>,
    noTime: 'no clock',
    nothing: 'none',
    verdict: 'Verified',
    verified: (count: number) =>
      plural(
        count,
        'the newest entry is the one that it has signed',
        'the newest # entries are those that it has signed',
      ),
    broken: 'contradicts what the device has signed',
    problems: {
      shrank: 'The log is shorter than a head that the device has signed',
      forked: 'The log has another history than before',
      entries: 'The entries are not those that the device has signed',
    } as Record<NonNullable<DeviceAudit['problem']>['kind'], string>,
    size: 'Entries',
    root: 'Root of the tree',
    reported: 'Signed head of',
    heads: 'Older heads',
    agree: (agree: number, old: number) =>
      `${plural(agree, '# agrees', '# agree')}, ${plural(old, '# is', '# are')} too old to be proved`,
    none: 'The log is empty',
    noneText: 'Its first entry comes when the device joins.',
    verifyAll: 'Check all entries',
    older: 'Read older ones',
  },
  {
    title: 'Bezeugtes Protokoll',
    columns: { index: 'Eintrag', what: 'Was', at: 'Wann', about: 'Betrifft' },
    what: {
      certificate: 'Zertifikat',
      'daemon-started': 'Dienst gestartet',
      'clock-jumped': 'Uhr gesprungen',
      grants: 'Zugänge',
      'session-began': 'Sitzung begonnen',
      'session-ended': 'Sitzung beendet',
      'session-refused': 'Sitzung abgelehnt',
      'forward-opened': 'Weiterleitung erlaubt',
      'forward-began': 'Verbindung weitergeleitet',
      'forward-refused': 'Weiterleitung abgelehnt',
      'screen-began': 'Blick auf Bildschirm begonnen',
      'screen-ended': 'Blick auf Bildschirm beendet',
      'screen-refused': 'Blick auf Bildschirm abgelehnt',
      'screen-snapshot': 'Schnappschuss gemacht',
      'update-ended': 'Update beendet',
    },
    noTime: 'ohne Uhr',
    nothing: 'keine',
    verdict: 'Geprüft',
    verified: (count: number) =>
      plural(
        count,
        'der neueste Eintrag ist der, den es signiert hat',
        'die neuesten # Einträge sind die, die es signiert hat',
      ),
    broken: 'widerspricht dem, was das Gerät signiert hat',
    problems: {
      shrank: 'Das Protokoll ist kürzer als ein Stand, den das Gerät signiert hat',
      forked: 'Das Protokoll hat eine andere Geschichte als zuvor',
      entries: 'Die Einträge sind nicht die, die das Gerät signiert hat',
    },
    size: 'Einträge',
    root: 'Wurzel des Baums',
    reported: 'Signierter Stand von',
    heads: 'Ältere Stände',
    agree: (agree: number, old: number) =>
      `${plural(agree, '# stimmt', '# stimmen')} überein, ${plural(old, '# ist', '# sind')} zu alt für einen Beweis`,
    none: 'Das Protokoll ist leer',
    noneText: 'Sein erster Eintrag kommt, wenn das Gerät beitritt.',
    verifyAll: 'Alle Einträge prüfen',
    older: 'Ältere lesen',
  },
)
