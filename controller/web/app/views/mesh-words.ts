/** Words of the picture of the mesh. */

import { words } from '../base/language.svelte.ts'
import { plural } from '../base/plural.ts'

export const meshWords = words(
  {
    title: 'Mesh',
    lead: 'As this controller sees it: who is connected to it, and what is being fetched where.',
    controller: 'this controller',
    connected: (done: string, all: string) => `${done} of ${all}`,
    rate: (text: string) => `${text}/s`,
    noSite: 'without a site',
    more: (count: string) => `+${count}`,
    list: 'Sites',
    columns: {
      site: 'Site',
      devices: 'Devices',
      connected: 'Connected',
      fetching: 'Fetching',
      rate: 'Speed',
      left: 'Still to fetch',
    },
    solid:
      'A line: devices of the site are connected to this controller; dashed: only by a hub. A coloured frame: bytes come in there now, from wherever.',
    connections: 'Connections',
    peerColumns: {
      peer: 'Peer',
      way: 'Way',
      trip: 'Round trip',
      received: 'Received',
      sent: 'Sent',
      since: 'Since',
      address: 'Address',
    },
    check: 'Check this network',
    alone: 'No connection to another member',
    aloneText: 'The check of the network looks for the reason.',
    inTable: (count: number) => plural(count, '# more is in the table.', '# more are in the table.'),
    none: 'No devices yet',
  },
  {
    title: 'Mesh',
    lead: 'Wie dieser Controller es sieht: wer mit ihm verbunden ist und was wo geladen wird.',
    controller: 'dieser Controller',
    connected: (done: string, all: string) => `${done} von ${all}`,
    rate: (text: string) => `${text}/s`,
    noSite: 'ohne Standort',
    more: (count: string) => `+${count}`,
    list: 'Standorte',
    columns: {
      site: 'Standort',
      devices: 'Geräte',
      connected: 'Verbunden',
      fetching: 'Laden',
      rate: 'Tempo',
      left: 'Noch zu laden',
    },
    solid:
      'Eine Linie: Geräte des Standorts sind mit diesem Controller verbunden; gestrichelt: nur über einen Hub. Ein farbiger Rahmen: Dort kommen gerade Bytes an, woher auch immer.',
    connections: 'Verbindungen',
    peerColumns: {
      peer: 'Peer',
      way: 'Weg',
      trip: 'Hin und zurück',
      received: 'Empfangen',
      sent: 'Gesendet',
      since: 'Seit',
      address: 'Adresse',
    },
    check: 'Dieses Netz prüfen',
    alone: 'Keine Verbindung zu einem anderen Mitglied',
    aloneText: 'Die Prüfung des Netzes sucht den Grund.',
    inTable: (count: number) => plural(count, '# weiterer steht in der Tabelle.', '# weitere stehen in der Tabelle.'),
    none: 'Noch keine Geräte',
  },
)
