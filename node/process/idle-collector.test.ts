/** When a daemon that rests gives memory back. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Rest } from './idle-collector.ts'
import { restCpuMs, restGarbageBytes } from './limits.ts'

function scene() {
  const state = { cpuMs: 0, usedBytes: 10 * restGarbageBytes, keptBytes: 9 * restGarbageBytes, collections: 0 }
  const rest = new Rest({
    cpuMs: () => state.cpuMs,
    usedBytes: () => state.usedBytes,
    collect: () => {
      state.collections++
      state.usedBytes = state.keptBytes
      state.cpuMs += restCpuMs
    },
  })
  return { rest, state }
}

describe('a daemon', () => {
  it('collects when it rests, and not again before there may be garbage', () => {
    const { rest, state } = scene()
    for (let look = 0; look < 5; look++) rest.look()
    assert.equal(state.collections, 1)
    state.usedBytes += restGarbageBytes - 1
    rest.look()
    assert.equal(state.collections, 1)
    state.usedBytes += 1
    rest.look()
    assert.equal(state.collections, 2)
  })

  it('does not collect while it works', () => {
    const { rest, state } = scene()
    for (let look = 0; look < 5; look++) {
      state.cpuMs += restCpuMs + 1
      rest.look()
    }
    assert.equal(state.collections, 0)
    rest.look()
    assert.equal(state.collections, 1)
  })

  it('does nothing where Node does not give the means', () => {
    const rest = new Rest({ cpuMs: () => 0, usedBytes: () => 10 * restGarbageBytes, collect: undefined })
    assert.doesNotThrow(() => rest.look())
  })
})
