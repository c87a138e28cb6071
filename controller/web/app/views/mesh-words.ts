/** Words of the picture of the mesh. */

import { words } from '../base/language.svelte.ts'

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
      'A line: devices of the site are connected to this controller. A coloured frame: bytes come in there now, from wherever.',
    inTable: (count: string) => `${count} more are in the table.`,
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
      'Eine Linie: Geräte des Standorts sind mit diesem Controller verbunden. Ein farbiger Rahmen: Dort kommen gerade Bytes an, woher auch immer.',
    inTable: (count: string) => `${count} weitere stehen in der Tabelle.`,
    none: 'Noch keine Geräte',
  },
)
