/** What is wrong with a device, in German, by the code of its error: its own words are English, and stay beside it. */

/** What happened, and what to do. */
type Said = readonly [title: string, hint: string]

const repair = 'Die Config berichtigen und neu deployen.'
const again = 'Nichts ist zu tun: Das Gerät versucht es wieder.'
const readLog = 'Das Protokoll lesen: thymesh logs NAME --activation. Dann die Config berichtigen und neu deployen.'

const said: Readonly<Record<string, Said>> = {
  'switch-failed': ['Der Wechsel ist gescheitert', `Die letzten Zeilen des Wechsels lesen. ${repair}`],
  'not-running': [
    'Nach dem Wechsel läuft nicht, was laufen soll',
    'Das Gerät ansehen. Ein Neustart führt die Generation aus, die `thymesh device` nennt.',
  ],
  unsupported: ['Das Gerät kann nicht auf dieses System wechseln', '`root` aus den Einstellungen des Geräts nehmen.'],
  'needs-reboot': [
    'Das Update braucht einen Neustart, den die Config nicht erlaubt',
    'Im Modul updates `reboot` auf when-needed setzen, und wann das Gerät neu starten darf.',
  ],
  'no-boot-once': [
    'Das Gerät kann ein System nicht nur für einen Start wählen',
    '`reboot` des Moduls updates auf never setzen, wo ein Wechsel genügt; sonst dieses Gerät von Hand aktualisieren.',
  ],
  'wrong-system': [
    'Das System ist für eine andere Art von Prozessor gebaut',
    '`system` in der Datei der Config berichtigen und neu deployen.',
  ],
  downgrade: [
    'Das Release ist älter als das, was schon lief',
    '`thymesh rollback` macht ein neues Release aus einem alten.',
  ],
  'health-failed': ['Nach dem Wechsel schlugen Prüfungen fehl', readLog],
  degraded: ['Nach dem Wechsel scheiterten Units', readLog],
  'no-contact': [
    'Nach dem Wechsel erreichte es seine Nachbarn nicht',
    'Die Einstellungen des Netzes berichtigen, oder `confirm.peers` der Update-Regeln ändern.',
  ],
  deadline: [
    'Die Aktivierung dauerte zu lange',
    'Berichtigen, was hängt, oder `confirm.deadlineSeconds` der Update-Regeln erhöhen.',
  ],
  superseded: ['Ein neueres Release hat es abgelöst', 'Nichts ist zu tun.'],
  interrupted: ['Das Update wurde unterbrochen', again],
  'boot-failed': [
    'Das neue System ist nicht gestartet',
    'Auf dem Gerät das Journal dieser Starts lesen: journalctl -b -1.',
  ],
  'too-many-attempts': [
    'Zu viele Versuche sind gescheitert',
    'Herausfinden, warum Maschine oder Dienst beim Wechsel enden; dann neu deployen.',
  ],
  'rollback-failed': [
    'Auch der Weg zurück ist gescheitert',
    'Das Gerät ansehen. Ein Neustart führt die Generation aus, die `thymesh device` nennt.',
  ],
  'missing-program': [
    'Auf der Maschine fehlt ein Programm',
    'Auf dem Gerät installieren, was die Meldung nennt: Es geht binnen fünf Minuten von selbst weiter. Oder ohne dieses Modul deployen.',
  ],
  'store-damaged': [
    'Pfade im Store sind beschädigt',
    'Das `nix-store --repair-path` der Meldung als root auf dieser Maschine ausführen.',
  ],
  'secret-not-for-us': [
    'Ein Geheimnis ist nicht für dieses Gerät verschlüsselt',
    'Neu deployen: Dann werden Geheimnisse für dieses Gerät verschlüsselt.',
  ],
  'secret-unreadable': [
    'Ein Geheimnis ist nicht lesbar',
    'Neu deployen: Dann werden Geheimnisse für dieses Gerät verschlüsselt.',
  ],
  'secret-place': ['Der Ort für Geheimnisse ist kein tmpfs', 'Ein tmpfs auf /run einhängen, wie systemd es tut.'],
  'secret-account': [
    'Der Benutzer oder die Gruppe eines Geheimnisses fehlt',
    'Auf dem Gerät anlegen, oder das Geheimnis root geben.',
  ],
  'disk-full': ['Der Platz reicht nicht', 'Platz schaffen, etwa mit nix-collect-garbage.'],
  'budget-too-small': ['Der Platz reicht nicht', 'Platz schaffen, etwa mit nix-collect-garbage.'],
  'other-content': [
    'Im Store liegt ein Pfad mit anderem Inhalt',
    'Als root auf dem Gerät: nix-store --repair-path PATH. Das Update wird wieder versucht.',
  ],
  'store-unavailable': ['Nix antwortet nicht', 'Nachsehen, ob Nix antwortet: nix store ping.'],
  'signature-refused': [
    'Nix nimmt die Signatur der Flotte nicht an',
    'Den Nix-Schlüssel der Flotte (thymesh root show) in trusted-public-keys eintragen.',
  ],
  'not-bound': [
    'Das Release bindet die Closure nicht',
    'Mit dieser Version deployen. Hat es niemand deployt: docs/trust.md über gestohlene Schlüssel lesen.',
  ],
  equivocation: [
    'Zwei verschiedene Dokumente einer Version sind signiert',
    'Herausfinden, wer das zweite signiert hat. Dann deployen: Eine höhere Version beendet es.',
  ],
  'no-source': ['Niemand in Reichweite hat, was fehlt', again],
  'not-found': ['Niemand in Reichweite hat, was fehlt', again],
  'missing-document': ['Ein Dokument des Releases ist noch nicht da', again],
  'missing-recipe': ['Ein Rezept des Releases ist noch nicht da', again],
  timeout: ['Es dauerte zu lange', again],
  failed: ['Das Update ist gescheitert', 'Das Journal des Dienstes lesen: thymesh logs NAME --unit thymesh.'],
}

export interface GermanError {
  readonly title: string
  readonly hint: string
}

/** Undefined for a code that it does not know: then the English words are all there is. */
export function germanError(code: string, device: string): GermanError | undefined {
  const found = Object.hasOwn(said, code) ? said[code] : undefined
  return found && { title: found[0], hint: found[1].replace('NAME', device) }
}
