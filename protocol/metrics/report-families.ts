/** What a report says, as metrics for Prometheus: of a device itself, or of each device of a fleet. */

import { deviceStateSchema, type Report } from '../report/report.ts'
import type { Family, Labels } from './exposition.ts'

export function reportFamilies(report: Report, labels: Labels): Family[] {
  const { state, freshness, update, error, config, release, site } = report
  const gauge = (name: string, help: string, values: Family['values']): Family => ({
    name,
    help,
    type: 'gauge',
    values,
  })
  return [
    gauge('thymesh_release_info', 'The release and config that run', [
      [{ ...labels, release: release === undefined ? '' : String(release), config: config ?? '', of: site ?? '' }, 1],
    ]),
    gauge(
      'thymesh_state',
      'The state of the device: 1 for the one that it is in',
      deviceStateSchema.options.map(each => [{ ...labels, state: each }, each === state ? 1 : 0]),
    ),
    gauge('thymesh_metadata_fresh', 'Whether the trusted metadata has not expired, by a live clock', [
      [labels, freshness === 'fresh' ? 1 : 0],
    ]),
    gauge('thymesh_update_error', 'The error of the last update, if it failed', [
      ...(error === undefined ? [] : [[{ ...labels, code: error.code }, 1] as const]),
    ]),
    gauge(
      'thymesh_update_bytes',
      'Bytes of the update in progress or the last one, by where they came from',
      update === undefined
        ? []
        : [
            [{ ...labels, from: 'store' }, update.fromStore],
            [{ ...labels, from: 'neighbours' }, update.fromNeighbours],
            [{ ...labels, from: 'controllers' }, update.fromControllers],
          ],
    ),
  ]
}
