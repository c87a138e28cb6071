/** Facts about a device that runs release 11 and knows release 12. */

import type { DeviceFacts } from '../../node/standing/facts.ts'
import { testStorePath } from './fleet.ts'

export const factsSample = {
  device: 'kiosk-3',
  asked: { name: 'ada', role: 'controller' },
  now: '2026-01-31T12:00:00Z',
  release: {
    ...{ version: 12, site: null, created: '2026-01-31T11:00:00Z', message: 'new sign' },
    wanted: { config: 'kiosk', topLevel: testStorePath('kiosk-2'), narSize: 400_000_000 },
  },
  member: {
    ...{ peer: 'p3', site: 'north', expires: '2027-01-31T12:00:00Z' },
    ...{ valid: true, hasEnded: false, byToken: false, others: 0 },
  },
  revoked: null,
  report: {
    ...{ at: '2026-01-31T11:00:00Z', state: 'running', site: null, release: 11, wanted: null },
    ...{ running: testStorePath('kiosk-1'), boots: null, attempts: null, freshness: 'fresh', health: null },
    ...{ turn: null, update: null, error: null, awaitsReboot: null, knowsRelease: true },
  },
  connected: false,
  way: null,
  neighbours: 2,
  wave: null,
  window: null,
  holders: { names: ['kiosk-1', 'kiosk-2'], count: 2 },
  newBytes: 120_000_000,
  uplink: null,
  equivocation: false,
} as const satisfies DeviceFacts
