/** Which devices a command is about: by name, tag, site or config, by state, and by text. */

import { HintedError } from '../../../protocol/errors.ts'
import type { DeviceStatus } from '../../api/schemas/status.ts'
import { type Choosable, isMeant } from '../../format/device-choice.ts'

/** `tag:kiosk`, `site:harbour`, `config:sign`, `all`, or names. Throws a HintedError for a choice that is nobody. */
export function chosenDevices<Row extends Choosable>(rows: readonly Row[], choices: readonly string[]): Row[] {
  const chosen = new Set<Row>()
  for (const choice of choices) {
    const fits = rows.filter(isMeant(choice))
    if (fits.length === 0) {
      throw new HintedError('unknown-device', `--on: expected devices of this fleet, got ${JSON.stringify(choice)}`, {
        hint: 'Name devices, tag:TAG, site:SITE, config:CONFIG or all: `thymesh status` shows them.',
      })
    }
    for (const row of fits) chosen.add(row)
  }
  return [...chosen]
}

/** The options of commands that show some of all devices; each one that is given must fit. */
export interface DeviceFilter {
  on: string[]
  /** States; any of them. */
  is: string[]
  /** Text in any of what is shown of a device, in any case of letters. */
  find?: string
}

export function isFiltered({ on, is, find }: DeviceFilter): boolean {
  return on.length > 0 || is.length > 0 || find !== undefined
}

/** The devices that fit, in their order. Throws a HintedError for a choice that is nobody. */
export function filteredDevices<Row extends Choosable & Pick<DeviceStatus, 'state'>>(
  rows: readonly Row[],
  { on, is, find }: DeviceFilter,
): Row[] {
  const meant = on.length === 0 ? undefined : new Set(chosenDevices(rows, on))
  const text = find?.toLowerCase()
  return rows.filter(
    row =>
      (meant === undefined || meant.has(row)) &&
      (is.length === 0 || is.includes(row.state)) &&
      (text === undefined || textsIn(row).some(each => each.toLowerCase().includes(text))),
  )
}

/** All texts in a row, at any depth; not the names of its fields. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
