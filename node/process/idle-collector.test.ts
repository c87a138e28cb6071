/** When an idle daemon gives memory back. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IdleCollector } from './idle-collector.ts'
import { idleCpuMs, idleGarbageBytes } from './limits.ts'

function scene() {
  const state = { cpuMs: 0, usedBytes: 10 * idleGarbageBytes, keptBytes: 9 * idleGarbageBytes, collections: 0 }
  const collector = new IdleCollector({
    cpuMs: () => state.cpuMs,
    usedBytes: () => state.usedBytes,
    collect: () => {
      state.collections++
      state.usedBytes = state.keptBytes
      state.cpuMs += idleCpuMs
    },
  })
  return { collector, state }
}

describe('a daemon', () => {
  it('collects when it is idle, and not again before there may be garbage', () => {
    const { collector, state } = scene()
    for (let look = 0; look < 5; look++) collector.look()
    assert.equal(state.collections, 1)
    state.usedBytes += idleGarbageBytes - 1
    collector.look()
    assert.equal(state.collections, 1)
    state.usedBytes += 1
    collector.look()
    assert.equal(state.collections, 2)
  })

  it('does not collect while it works', () => {
    const { collector, state } = scene()
    for (let look = 0; look < 5; look++) {
      state.cpuMs += idleCpuMs + 1
      collector.look()
    }
    assert.equal(state.collections, 0)
    collector.look()
    assert.equal(state.collections, 1)
  })

  it('does nothing where Node does not give the means', () => {
    const collector = new IdleCollector({ cpuMs: () => 0, usedBytes: () => 10 * idleGarbageBytes, collect: undefined })
    assert.doesNotThrow(() => collector.look())
  })
})
