/** `thymesh metrics NAME`: a device's metrics as lines of bars. */

import { timeText } from '../../../protocol/encoding/fields.ts'
import { visibleFields } from '../../../protocol/encoding/visible.ts'
import { terminalColumns } from '../../format/terminal.ts'
import { metricsText } from '../../views/metrics.ts'
import { withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface MetricsOptions extends ProjectOptions {
  device: string
  since?: Date
  until?: Date
  series: string[]
  wait: number
}

export async function metrics(options: MetricsOptions): Promise<undefined> {
  const { device, since, until, series, wait } = options
  return await withAccess(options, async access => {
    const about = {
      ...{ device, series, wait },
      ...(since && { since: timeText(since) }),
      ...(until && { until: timeText(until) }),
    }
    const answer = await access.ask('metrics', about, Math.min(newsSeconds, wait))
    print(options, answer, metricsText(visibleFields(answer), terminalColumns()))
    return undefined
  })
}
