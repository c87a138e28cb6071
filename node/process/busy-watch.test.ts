/** When a daemon counts as one that works for long. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { BusyWatch } from './busy-watch.ts'
import { busyCpuMs } from './limits.ts'

it('hurries once it was busy at two looks in a row, until one at which it is not', () => {
  const state = { cpuMs: 0, hurries: 0 }
  const hurry = () => {
    state.hurries++
    return () => {
      state.hurries--
    }
  }
  const watch = new BusyWatch({ cpuMs: () => state.cpuMs, hurry })
  const looks = [busyCpuMs, 0, busyCpuMs, busyCpuMs, busyCpuMs, busyCpuMs - 1, busyCpuMs].map(spent => {
    state.cpuMs += spent
    watch.look()
    return state.hurries
  })
  assert.deepEqual(looks, [0, 0, 0, 1, 1, 0, 0])
  state.cpuMs += busyCpuMs
  watch.look()
  watch.stop()
  assert.equal(state.hurries, 0)
})
