/** The devices that are about to fail as a table, the most urgent first. */

import type { DeviceRisks, FleetRisks } from '../api/schemas/risks.ts'
import { table } from '../format/table.ts'

const heading = ['DEVICE', 'RISK', 'DAYS LEFT', 'DISK', 'WEAR', 'TEMP', 'RESTARTS', 'CERTIFICATE', 'WHY']

export function risksText({ devices }: FleetRisks): string {
  const bad = devices.filter(({ risks }) => risks.length > 0)
  const others = devices.length - bad.length
  const calm = `Nothing is about to fail on ${bad.length === 0 ? `any of ${devices.length}` : `the other ${others}`} devices.`
  const untold = devices.filter(({ hasHistory }) => !hasHistory).length
  const note =
    untold === 0 ? [] : [`${untold} could not be asked for the last weeks: of these only the last report counts.`]
  return [...(bad.length === 0 ? [] : [table(heading, bad.map(lineOf)), '']), calm, ...note].join('\n')
}

function lineOf({ device, disk, wear, temperature, restarts, certificateDays, risks }: DeviceRisks): string[] {
  const [worst] = risks
  const shown = (value: number | null, unit: string) => (value === null ? '-' : `${value}${unit}`)
  return [
    device,
    worst?.severity ?? '-',
    shown(worst?.daysLeft ?? null, ''),
    ...[
      shown(disk, ' %'),
      shown(wear, ' %'),
      shown(temperature, ' °C'),
      shown(restarts, ''),
      shown(certificateDays, ' d'),
    ],
    risks.map(({ text }) => text).join('; '),
  ]
}
