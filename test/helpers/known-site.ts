/** A site as one of its devices knows it, with hostile text in a report. */

import type { KnownSite } from '../../node/peer/known-site.ts'
import type { Report } from '../../protocol/report/report.ts'

const now = new Date('2026-01-31T12:00:00Z')
const base = { v: 1, fleet: 'f', counter: 1, freshness: 'fresh' } as const
const at = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString().replace('.000', '')
const reports: Record<string, Report> = {
  a: { ...base, peer: 'a', state: 'running', release: 7, at: at(1) },
  b: {
    ...base,
    peer: 'b',
    state: 'rolled-back',
    release: 6,
    at: at(2),
    error: { code: 'health-failed', message: '<script>alert("x")</script>\u001b[31m & so on' },
  },
  c: { ...base, peer: 'c', state: 'running', release: 7, at: at(60 * 24 * 12) },
  d: { ...base, peer: 'd', state: 'running', release: 7, at: at(-60 * 24 * 365) },
}
/** As kiosk-1 knows it: one that failed, one that was seen long ago, one with a wrong clock, and one that never reported. */
export const siteSample = (): KnownSite => ({
  own: { name: 'kiosk-1', site: 'harbour', peer: 'a', fleet: '0123456789abcdef0123', role: 'device' },
  devices: ['a', 'b', 'c', 'd', 'e'].map((peer, index) => ({ name: `kiosk-${index + 1}`, peer })),
  report: peer => reports[peer],
  release: undefined,
  connected: new Set(['kiosk-2']),
  now,
})
