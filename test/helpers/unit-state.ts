/** States of units for tests: a service that runs, but for what a test wants of it. */

import type { UnitState } from '../../node/activation/unit-health.ts'

export function testUnit(name: string, more: Partial<UnitState> = {}): UnitState {
  return {
    name,
    load: 'loaded',
    active: 'active',
    sub: 'running',
    restarts: 0,
    age: 1000,
    started: true,
    skipped: false,
    wanted: false,
    invocation: 'one',
    ...more,
  }
}
