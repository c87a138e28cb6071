/** Words of the view of risks: what is about to fail, and when. */

import { words } from '../base/language.svelte.ts'
import { plural } from '../base/plural.ts'

export const risksWords = words(
  {
    title: 'Risks',
    lead: 'What is about to fail on which device, by its report, its certificate and its own measurements.',
    silent: (count: number) =>
      plural(
        count,
        '# device did not tell its history: of its restarts, and of a disk to come, nothing is known.',
        '# devices did not tell their history: of their restarts, and of disks to come, nothing is known.',
      ),
    again: 'Ask again',
    columns: { device: 'Device', risk: 'Most urgent', more: 'Also', site: 'Site', heard: 'Heard' },
    none: 'Nothing is about to fail',
    noneText:
      'Certificates, disks, flash memory, temperature, supply, restarts, units and the last update were looked at.',
    kinds: {
      certificateEnded: 'its certificate ends today, or has ended',
      certificate: (days: number) => plural(days, 'its certificate ends in # day', 'its certificate ends in # days'),
      disk: (percent: number) => `its disk is ${percent} % full`,
      diskToCome: (days: number, percent: number) =>
        days === 0
          ? `its disk is full today, now ${percent} %`
          : `${plural(days, 'its disk is full in # day', 'its disk is full in # days')}, now ${percent} %`,
      wear: (percent: number) => `${percent} % of the life of its flash memory is used`,
      temperature: (degrees: number) => `${degrees} °C`,
      restarts: (times: number) => plural(times, 'restarted once in a week', 'restarted # times in a week'),
      'under-voltage': 'its supply is too weak',
      'failed-units': 'units have failed',
      silent: 'no report for long',
      update: 'its last update did not succeed',
    },
  },
  {
    title: 'Risiken',
    lead: 'Was auf welchem Gerät bald ausfällt, nach seinem Bericht, seinem Zertifikat und seinen Messwerten.',
    silent: (count: number) =>
      plural(
        count,
        '# Gerät hat seinen Verlauf nicht gesagt: Über Neustarts und volle Platten von morgen ist nichts bekannt.',
        '# Geräte haben ihren Verlauf nicht gesagt: Über Neustarts und volle Platten von morgen ist nichts bekannt.',
      ),
    again: 'Noch einmal fragen',
    columns: { device: 'Gerät', risk: 'Am dringendsten', more: 'Auch', site: 'Standort', heard: 'Gehört' },
    none: 'Nichts fällt bald aus',
    noneText:
      'Angesehen: Zertifikate, Platten, Flash-Speicher, Temperatur, Stromversorgung, Neustarts, Units und das letzte Update.',
    kinds: {
      certificateEnded: 'sein Zertifikat endet heute oder ist zu Ende',
      certificate: (days: number) => plural(days, 'sein Zertifikat endet in # Tag', 'sein Zertifikat endet in # Tagen'),
      disk: (percent: number) => `seine Platte ist zu ${percent} % voll`,
      diskToCome: (days: number, percent: number) =>
        days === 0
          ? `seine Platte ist heute voll, jetzt ${percent} %`
          : `${plural(days, 'seine Platte ist in # Tag voll', 'seine Platte ist in # Tagen voll')}, jetzt ${percent} %`,
      wear: (percent: number) => `${percent} % der Lebensdauer seines Flash-Speichers sind verbraucht`,
      temperature: (degrees: number) => `${degrees} °C`,
      restarts: (times: number) => plural(times, '# Neustart in einer Woche', '# Neustarts in einer Woche'),
      'under-voltage': 'seine Stromversorgung ist zu schwach',
      'failed-units': 'Units sind gescheitert',
      silent: 'lange kein Bericht',
      update: 'sein letztes Update ist nicht gelungen',
    },
  },
)
