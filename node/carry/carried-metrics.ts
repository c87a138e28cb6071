/** Histories of metrics that outboxes have brought: the newest of each device and step. */

import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { limits } from '../../protocol/limits.ts'
import { decodeHistory, type HistoryRequest, type MetricsHistory } from '../../protocol/messages/metrics.ts'
import type { Table } from '../state/database.ts'

export class CarriedMetrics {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** Keeps histories as an outbox has them, unless newer ones are here. Throws a FormatError for what is none. */
  async keep(peer: string, packed: readonly Uint8Array[]): Promise<void> {
    for (const bytes of packed) {
      const { step, from, series } = await unpacked(bytes)
      const before = await this.#read(peer, step)
      if (before !== undefined && endOf(before) > endOf({ step, from, series })) continue
      await this.#table.put(`${peer}/${step}`, bytes)
    }
  }

  /** The part of a history that was asked for. A device carries no minutes: then the quarter hours are given. */
  async history(peer: string, { step, from, to, series }: HistoryRequest): Promise<MetricsHistory | undefined> {
    const whole = await this.#read(peer, step === 60 ? 900 : step)
    if (whole === undefined) return undefined
    const first = Math.max(0, Math.floor((from - whole.from) / whole.step))
    const last = Math.max(first, Math.floor((to - whole.from) / whole.step) + 1)
    const cut = <T>(values: readonly T[]) => values.slice(first, last)
    return {
      step: whole.step,
      from: whole.from + first * whole.step,
      series: whole.series
        .filter(({ name }) => series?.includes(name) ?? true)
        .map(({ name, average, min, max }) => ({ name, average: cut(average), min: cut(min), max: cut(max) })),
    }
  }

  async #read(peer: string, step: number): Promise<MetricsHistory | undefined> {
    const bytes = await this.#table.get(`${peer}/${step}`)
    return bytes && (await unpacked(bytes))
  }
}

async function unpacked(bytes: Uint8Array): Promise<MetricsHistory> {
  return decodeHistory(await promisify(zstdDecompress)(bytes, { maxOutputLength: limits.metricsBytes }))
}

function endOf({ step, from, series }: MetricsHistory): number {
  return from + step * (series[0]?.average.length ?? 0)
}
