/** Reports for the golden bytes: of each kind one. */

import { sha256 } from '../../protocol/encoding/hash.ts'
import type { Report } from '../../protocol/report/report.ts'
import { testStorePath } from './fleet.ts'

export function waitingReport(fleet: string, peer: string): Report {
  return {
    v: 1,
    fleet,
    peer,
    counter: 8,
    state: 'running',
    release: 1,
    wanted: 2,
    since: '2026-01-30T12:00:00Z',
    freshness: 'unknown',
    turn: { release: 2, wave: 2, is: 'waiting', reason: 'wave 1 has 1 of 3 confirmed' },
  }
}

export function alarmedReport(fleet: string, peer: string): Report {
  return {
    v: 1,
    fleet,
    peer,
    counter: 9,
    state: 'running',
    freshness: 'fresh',
    boot: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    renew: { age: `age1${'p'.repeat(58)}` },
    alarms: [
      { kind: 'clone', subject: peer },
      { kind: 'equivocation', subject: 'targets 7' },
    ],
  }
}

export function reportOf(fleet: string, peer: string): Report {
  return {
    v: 1,
    fleet,
    peer,
    counter: 7,
    at: '2026-01-31T12:00:00Z',
    state: 'failed',
    config: 'kiosk',
    release: 1,
    wanted: 2,
    running: testStorePath('kiosk'),
    freshness: 'fresh',
    error: { code: 'health-failed', message: 'kiosk.service failed' },
    update: {
      release: 2,
      milliseconds: 1200,
      paths: 3,
      pathsDone: 2,
      needed: 4096,
      fromStore: 512,
      fromControllers: 0,
      fromNeighbours: 4096,
      fromElsewhere: 0,
      wire: 2048,
      bytesPerSecond: 1_000_000,
    },
  }
}

export function fetchingReport(fleet: string, peer: string): Report {
  const { error, update, ...report } = reportOf(fleet, peer)
  return { ...report, state: 'fetching', ...(update && { update: { ...update, secondsLeft: 90 } }) }
}

export function rolledBackOf(fleet: string, peer: string): Report {
  return {
    ...reportOf(fleet, peer),
    state: 'rolled-back',
    boots: testStorePath('gate'),
    attempts: 1,
    health: { state: 'failed', units: ['kiosk.service'], probes: ['tcp localhost:80'] },
    excerpt: 'kiosk.service: Main process exited, code=exited, status=1/FAILURE',
    log: { hash: sha256(Buffer.from('a log')), bytes: 5 },
  }
}
