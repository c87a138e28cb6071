/** Words of what changes the life of a device: its name, site, hardware, end, restarts. */

import { words } from '../base/language.svelte.ts'
import { plural } from '../base/plural.ts'

export const manageWords = words(
  {
    lead: 'Each of these can be done in the terminal too, by the command beside it.',
    does: {
      rename: [
        'Another name',
        'In the project, in its certificate and in the release. It goes on without joining anew.',
        'Rename …',
      ],
      move: [
        'Another site',
        'In its certificate, which the device takes when it is in reach. It goes on without joining anew.',
        'Move …',
      ],
      unit: [
        'Restart a unit',
        'Through a grant of access with the right exec. The device has to be in reach.',
        'Restart a unit …',
      ],
      reboot: [
        'Reboot the machine',
        'Through a grant of access with the right exec. The device has to be in reach.',
        'Reboot …',
      ],
      support: [
        'Text for support',
        'What somebody who helps needs to know, without secrets and addresses. You read it first.',
        'Gather …',
      ],
      replace: [
        'Other hardware',
        'The present key is revoked, and a token for this name alone lets the new hardware in.',
        'Replace …',
      ],
      follow: [
        'Secrets for the new hardware',
        'When it has joined: the secrets of the newest release are encrypted to it.',
        'Let secrets follow',
      ],
      retire: ['The end of its life', 'Membership, entry of the project, place in the release: for good.', 'Retire …'],
    },
    title: {
      rename: (name: string) => `Rename ${name}`,
      move: (name: string) => `Move ${name} to another site`,
      unit: (name: string) => `Restart a unit on ${name}`,
      reboot: (name: string) => `Reboot ${name}?`,
      replace: (name: string) => `Replace the hardware of ${name}?`,
      retire: (name: string) => `Retire ${name} for good?`,
    },
    verb: {
      rename: 'Rename',
      move: 'Move',
      unit: 'Restart the unit',
      reboot: 'Reboot',
      replace: 'Replace',
      retire: 'Retire',
    },
    newName: 'New name',
    nameHelp: 'Small letters, digits and hyphens.',
    newSite: 'New site',
    noSite: 'Empty for no site.',
    message: 'Message',
    messageHelp: 'Why, for people. Others see it in the audit log.',
    reason: 'Reason',
    reasonHelp: 'Others see it in the list of members.',
    commit: 'Commit the edited files of the project',
    force: 'Also when the present hardware is at work',
    unit: 'Unit',
    unitHelp: 'A word without a dot is a service.',
    user: 'As user',
    rebootText: 'What runs on it ends. It comes back with the release that it has confirmed last.',
    replaceText:
      'No peer talks to the present hardware again. Next the page makes a token for the new one; when that has joined, let its secrets follow.',
    retireText:
      'No peer talks to it again, and no release names it. What runs on the machine goes on, and its keys and secrets stay there until `thymesh leave` is run on it. To delete them first, use the command with --wipe.',
    rebooted: (name: string) => `${name} reboots`,
    restarted: (unit: string, name: string) => `${unit} runs anew on ${name}`,
    gathering: 'The device is asked for what it knows …',
    leftOut: (addresses: number, secrets: number, persons: number) =>
      `Left out: ${plural(addresses, '# address', '# addresses')}, ${plural(secrets, '# secret', '# secrets')}, ${plural(persons, '# name of a person', '# names of persons')}. Read it before you give it away.`,
    missing: 'Missing',
    download: 'Download',
  },
  {
    lead: 'All das geht auch im Terminal, mit dem Befehl daneben.',
    does: {
      rename: [
        'Anderer Name',
        'Im Projekt, in seinem Zertifikat und im Release. Es läuft weiter, ohne neu dazuzukommen.',
        'Umbenennen …',
      ],
      move: [
        'Anderer Standort',
        'In seinem Zertifikat, das es übernimmt, sobald es in Reichweite ist. Es läuft weiter, ohne neu dazuzukommen.',
        'Umziehen …',
      ],
      unit: [
        'Unit neu starten',
        'Durch eine Zugangserlaubnis mit dem Recht exec. Das Gerät muss in Reichweite sein.',
        'Unit neu starten …',
      ],
      reboot: [
        'Maschine neu starten',
        'Durch eine Zugangserlaubnis mit dem Recht exec. Das Gerät muss in Reichweite sein.',
        'Neu starten …',
      ],
      support: [
        'Text für die Hilfe',
        'Was jemand wissen muss, der hilft, ohne Geheimnisse und Adressen. Du liest ihn zuerst.',
        'Zusammenstellen …',
      ],
      replace: [
        'Andere Hardware',
        'Der jetzige Schlüssel wird widerrufen; ein Token nur für diesen Namen lässt die neue Hardware herein.',
        'Ersetzen …',
      ],
      follow: [
        'Geheimnisse für die neue Hardware',
        'Wenn sie dazugekommen ist: Die Geheimnisse des neuesten Release werden für sie verschlüsselt.',
        'Geheimnisse nachziehen',
      ],
      retire: ['Das Ende', 'Mitgliedschaft, Eintrag im Projekt, Platz im Release: für immer.', 'Ausmustern …'],
    },
    title: {
      rename: (name: string) => `${name} umbenennen`,
      move: (name: string) => `${name} an einen anderen Standort umziehen`,
      unit: (name: string) => `Unit auf ${name} neu starten`,
      reboot: (name: string) => `${name} neu starten?`,
      replace: (name: string) => `Hardware von ${name} ersetzen?`,
      retire: (name: string) => `${name} für immer ausmustern?`,
    },
    verb: {
      rename: 'Umbenennen',
      move: 'Umziehen',
      unit: 'Unit neu starten',
      reboot: 'Neu starten',
      replace: 'Ersetzen',
      retire: 'Ausmustern',
    },
    newName: 'Neuer Name',
    nameHelp: 'Kleine Buchstaben, Ziffern und Bindestriche.',
    newSite: 'Neuer Standort',
    noSite: 'Leer für keinen Standort.',
    message: 'Nachricht',
    messageHelp: 'Warum, für Menschen. Andere sehen sie im Protokoll.',
    reason: 'Grund',
    reasonHelp: 'Andere sehen ihn in der Liste der Mitglieder.',
    commit: 'Geänderte Dateien des Projekts committen',
    force: 'Auch wenn die jetzige Hardware arbeitet',
    unit: 'Unit',
    unitHelp: 'Ein Wort ohne Punkt ist ein Dienst.',
    user: 'Als Benutzer',
    rebootText: 'Was darauf läuft, endet. Es kommt mit dem Release zurück, das es zuletzt bestätigt hat.',
    replaceText:
      'Kein Peer spricht mehr mit der jetzigen Hardware. Danach erzeugt die Seite ein Token für die neue; ist diese dazugekommen, die Geheimnisse nachziehen.',
    retireText:
      'Kein Peer spricht mehr mit ihm, und kein Release nennt es. Was auf der Maschine läuft, läuft weiter; Schlüssel und Geheimnisse bleiben dort, bis dort `thymesh leave` läuft. Um sie vorher zu löschen, den Befehl mit --wipe benutzen.',
    rebooted: (name: string) => `${name} startet neu`,
    restarted: (unit: string, name: string) => `${unit} läuft neu auf ${name}`,
    gathering: 'Das Gerät wird gefragt, was es weiß …',
    leftOut: (addresses: number, secrets: number, persons: number) =>
      `Weggelassen: ${plural(addresses, '# Adresse', '# Adressen')}, ${plural(secrets, '# Geheimnis', '# Geheimnisse')}, ${plural(persons, '# Name einer Person', '# Namen von Personen')}. Vor dem Weitergeben lesen.`,
    missing: 'Fehlt',
    download: 'Herunterladen',
  },
)
