/** Peers behind NATs over slow lines, and behind firewalls that forget: what takes minutes. test/mesh has the rest. */

import assert from 'node:assert/strict'
import { NatLab, type NatPlace } from '../../helpers/nat-lab.ts'
import { answers, atHubs, meet, since } from '../../helpers/nat-meet.ts'
import type { NatWays } from '../../helpers/nat-peer.ts'
import { NatProcess } from '../../helpers/nat-process.ts'
import { poll } from '../../helpers/until.ts'
import type { Scenario } from './scenario.ts'

/** One way between each router and the Internet: four of them between two peers and back, as by satellite. */
const delayMs = 150
/** What the strictest firewalls keep of a silent connection. */
const forgetSeconds = 60
const silenceMs = 150_000

export const nats: Scenario = {
  name: 'nats',
  title: 'peers behind NATs meet over slow lines, and firewalls that forget silent connections cut none',
  async run(trials) {
    await using made = new AsyncDisposableStack()
    const lab = made.use(await NatLab.create())
    const now = new Date(Date.now() - 86_400_000).toISOString().replace(/\.\d+Z$/, '.000Z')
    const hubs: NatProcess[] = []
    const start = async (place: NatPlace, word: string, role: 'device' | 'relay' = 'device') => {
      const started = await NatProcess.start(place, { now, word, role, hubs: [...hubs] })
      made.defer(() => started.kill())
      return started
    }
    for (const word of ['hub-1', 'hub-2']) hubs.push(await start(await lab.host(), word, 'relay'))
    const [hub] = hubs
    assert.ok(hub)
    const home = await lab.farRouter('easy', delayMs)
    const office = await lab.farRouter('easy', delayMs)
    const a = await start(await home.host(), 'a')
    const b = await start(await office.host(), 'b')
    await atHubs(a, b)

    await trials.of('a slow line on both sides', async () => {
      await meet(a, b, /^punched$/)
      const { ms } = await a.ask<{ ms: number }>({ do: 'ping', peer: b.peer })
      assert.ok(ms >= 4 * delayMs, `expected a round trip over the slow lines, it took ${Math.round(ms)} ms`)
      const all = await Promise.all([a, b].map(async peer => (await peer.ask<NatWays>({ do: 'ways' })).punched))
      return `round trip ${Math.round(ms)} ms, met in ${Math.round(all.flat().at(-1) ?? Number.NaN)} ms`
    })
    await trials.of(`a firewall on both sides that forgets after ${forgetSeconds} s`, async () => {
      for (const router of [home, office]) await router.forgetAfter(forgetSeconds)
      const opened = async () => (await Promise.all([since(a, b), since(a, hub), since(b, hub)])).join()
      const before = await opened()
      const isLost = async () => (await opened()) !== before
      assert.equal(await poll(isLost, { limitMs: silenceMs, everyMs: 1_000 }), undefined)
      assert.ok(await answers(a, b))
      assert.ok(await answers(b, hub))
      assert.equal(await opened(), before)
    })
  },
}
