/** `alerts.json`: its name, and what it says. */

import { type Alerts, alertsFileSchema } from '../../protocol/alerts/rules.ts'
import type { LocatedJson } from './located-json.ts'
import type { Problem } from './problem.ts'
import { shapeOf } from './shape.ts'

export const alertsFile = 'alerts.json'

/** What the file says, if its shape is right. */
export function readAlerts(json: LocatedJson): { alerts: Alerts | undefined; problems: readonly Problem[] } {
  const { value, problems } = shapeOf(json, alertsFileSchema)
  if (value === undefined) return { alerts: undefined, problems }
  const { $schema: _, ...alerts } = value
  return { alerts, problems }
}
