/** A signal ends a command with the programs that it started: nothing computes on for nobody. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { until } from './helpers/processes.ts'

/** Processes that have this word in their command line or environment. */
function processesWith(word: string): string[] {
  return readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name) || name === String(process.pid)) return false
    try {
      return (
        readFileSync(`/proc/${name}/cmdline`, 'utf8').startsWith('nix\0') &&
        readFileSync(`/proc/${name}/environ`, 'utf8').includes(word)
      )
    } catch {
      return false
    }
  })
}

describe('a command that is told to end', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    const slow = "builtins.foldl' (a: n: a + n) 0 (builtins.genList (n: n) 1000000000)"
    await fleet.commit('Slow', { 'modules/slow.nix': `{ displayName = toString (${slow}); }\n` })
  })
  after(() => fleet.remove())

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`ends its Nix too: ${signal}`, async () => {
      const word = `THYMESH_TEST_WORD=${signal}-${process.pid}`
      const [name = '', value] = word.split('=')
      const ended = fleet.runWith(
        {
          env: { [name]: value },
          onStart: child => {
            void until('Nix to evaluate', async () => processesWith(word).length > 0).then(() => child.kill(signal))
          },
        },
        'check',
      )
      const { code } = await ended
      assert.notEqual(code, 0)
      try {
        // The command does not outlive the signals that it sends.
        await until('its Nix to end', () => processesWith(word).length === 0)
      } finally {
        for (const id of processesWith(word)) process.kill(Number(id), 'SIGKILL')
      }
    })
  }
})
