/** Words of metrics: the series of devices and their units. */

import { bytesText, durationText, numberText } from '../base/format.ts'
import { words } from '../base/language.svelte.ts'
import type { Range } from '../data/metrics.svelte.ts'

type Unit = 'percent' | 'celsius' | 'bytes-per-second' | 'seconds' | 'count' | null

export const metricsWords = words(
  {
    title: 'Metrics',
    lead: 'What devices measure themselves. Only those in reach are asked.',
    range: 'Span',
    ranges: { hour: 'Hour', day: 'Day', month: 'Month', year: 'Year' } satisfies Record<Range, string> as Record<
      Range,
      string
    >,
    series: {
      cpu: 'Processor',
      memory: 'Memory',
      swap: 'Swap',
      'pressure-cpu': 'Waiting for a processor',
      'pressure-memory': 'Waiting for memory',
      'pressure-io': 'Waiting for disks',
      disk: 'Fullest file system',
      inodes: 'Inodes',
      wear: 'Worn flash memory',
      temperature: 'Temperature',
      'under-voltage': 'Voltage too low',
      load: 'Load',
      received: 'Received',
      sent: 'Sent',
      uplink: 'From other sites',
      'clock-offset': 'Neighbours’ clocks ahead by',
      peers: 'Connected members',
      'failed-units': 'Failed units',
      uptime: 'Since the start',
    } as Record<string, string>,
    none: 'Nothing was measured',
    noneText: 'In this span the device has written nothing.',
    outbox: 'The device is not in reach: this is what its last outbox brought.',
    asTable: 'As a table',
    time: 'Time',
    low: 'Lowest',
    average: 'Average',
    high: 'Highest',
    whichSeries: 'Series',
    notReached: 'not in reach',
    noDevices: 'No device yet',
    reading: '…',
    inReach: 'Only devices in reach',
    nobody: 'No device is in reach',
    nobodyText: 'Metrics come from the devices themselves. Show the others to see what their outboxes brought.',
  },
  {
    title: 'Messwerte',
    lead: 'Was Geräte selbst messen. Gefragt werden nur die in Reichweite.',
    range: 'Zeitraum',
    ranges: { hour: 'Stunde', day: 'Tag', month: 'Monat', year: 'Jahr' },
    series: {
      cpu: 'Prozessor',
      memory: 'Speicher',
      swap: 'Auslagerung',
      'pressure-cpu': 'Warten auf Prozessor',
      'pressure-memory': 'Warten auf Speicher',
      'pressure-io': 'Warten auf Platten',
      disk: 'Vollstes Dateisystem',
      inodes: 'Inodes',
      wear: 'Verschleiß des Flash',
      temperature: 'Temperatur',
      'under-voltage': 'Spannung zu niedrig',
      load: 'Last',
      received: 'Empfangen',
      sent: 'Gesendet',
      uplink: 'Von anderen Standorten',
      'clock-offset': 'Uhren der Nachbarn gehen vor um',
      peers: 'Verbundene Mitglieder',
      'failed-units': 'Gescheiterte Units',
      uptime: 'Seit dem Start',
    },
    none: 'Nichts wurde gemessen',
    noneText: 'In diesem Zeitraum hat das Gerät nichts geschrieben.',
    outbox: 'Das Gerät ist nicht in Reichweite: So steht es in seinem letzten Postausgang.',
    asTable: 'Als Tabelle',
    time: 'Zeit',
    low: 'Niedrigster',
    average: 'Mittel',
    high: 'Höchster',
    whichSeries: 'Reihe',
    notReached: 'nicht in Reichweite',
    noDevices: 'Noch kein Gerät',
    reading: '…',
    inReach: 'Nur Geräte in Reichweite',
    nobody: 'Kein Gerät ist in Reichweite',
    nobodyText: 'Messwerte kommen von den Geräten selbst. Die anderen zeigen, was ihr Postausgang gebracht hat.',
  },
)

export function seriesName(name: string): string {
  const { series } = metricsWords()
  return Object.hasOwn(series, name) ? (series[name] ?? name) : name.slice(0, 63)
}

export function metricText(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 1
  if (unit === 'percent') return `${numberText(value, digits)} %`
  if (unit === 'celsius') return `${numberText(value, 1)} °C`
  if (unit === 'bytes-per-second') return `${bytesText(Math.round(value))}/s`
  if (unit === 'seconds') return Math.abs(value) < 60 ? `${numberText(value, digits)} s` : durationText(value * 1000)
  return numberText(value, Number.isInteger(value) ? 0 : 2)
}

/** Percentages are drawn against the whole, so that an idle processor looks idle. */
export function wholeOf(unit: Unit): readonly [number, number] | undefined {
  return unit === 'percent' ? [0, 100] : undefined
}
