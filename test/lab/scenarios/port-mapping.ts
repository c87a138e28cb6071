/** A device behind a NAT that asks its router for a port: a real router's daemon, and a router that lies about its address. */

import assert from 'node:assert/strict'
import { Miniupnpd } from '../../helpers/miniupnpd.ts'
import { NatLab, type NatPlace } from '../../helpers/nat-lab.ts'
import { atHubs, meet, natLimitMs } from '../../helpers/nat-meet.ts'
import type { NatPortState } from '../../helpers/nat-peer.ts'
import { NatProcess, type NatProcessInit, natPort } from '../../helpers/nat-process.ts'
import { until } from '../../helpers/until.ts'
import type { Scenario } from './scenario.ts'

/** Waits until a peer's port at the router is as it should be. */
async function portOf(peer: NatProcess, is: (state: NatPortState) => boolean): Promise<NatPortState> {
  let state: NatPortState | undefined
  const isSo = async () => {
    state = await peer.ask<NatPortState>({ do: 'port' })
    return is(state)
  }
  await until(isSo, 'the port at the router', natLimitMs).catch(error => {
    throw new Error(`${error.message}: ${JSON.stringify(state)}`)
  })
  return state as NatPortState
}

export const portMapping: Scenario = {
  name: 'port-mapping',
  title: 'a device behind a hard NAT is reached by a port of its router, and gives it back',
  async run(trials) {
    await using made = new AsyncDisposableStack()
    const lab = made.use(await NatLab.create())
    const now = new Date(Date.now() - 86_400_000).toISOString().replace(/\.\d+Z$/, '.000Z')
    const hubs: NatProcess[] = []
    const start = async (place: NatPlace, word: string, init: Partial<NatProcessInit> = {}) => {
      const started = await NatProcess.start(place, { now, word, hubs: [...hubs], ...init })
      made.defer(() => started.kill())
      return started
    }
    for (const word of ['hub-1', 'hub-2']) hubs.push(await start(await lab.host(), word, { role: 'relay' }))
    const [home, office] = [await lab.router('hard'), await lab.router('hard')]
    const inner = await lab.router('hard', home)
    const far = await start(await office.host(), 'far')

    await trials.of('no port is asked for', async () => {
      const silent = await start(await home.host(), 'silent')
      await atHubs(silent, far)
      await meet(far, silent, /^relayed by /)
      assert.equal((await silent.ask<NatPortState>({ do: 'port' })).kind, 'off')
    })
    for (const [by, pcp] of [
      ['PCP', true],
      ['UPnP', false],
    ] as const) {
      await trials.of(
        `a router that knows ${pcp ? 'PCP, NAT-PMP and UPnP' : 'UPnP only'}, and lies about its address`,
        async () => {
          await using daemon = await Miniupnpd.start(home, { pcp })
          const place = await home.host()
          const asking = await start(place, `asks-${by.toLowerCase()}`, { portMapping: true })
          await atHubs(asking)
          const began = performance.now()
          const state = await portOf(asking, ({ reached }) => reached !== undefined)
          assert.deepEqual([state.by, state.reached], [by, { ip: home.address, port: natPort }])
          await meet(far, asking, /^direct$/)
          const ms = Math.round(performance.now() - began)
          await asking.stop()
          assert.doesNotMatch(await daemon.rules(), /dnat/)
          return `reached after ${ms} ms`
        },
      )
    }
    await trials.of('a router behind another NAT', async () => {
      await using _ = await Miniupnpd.start(inner, { pcp: true })
      const lost = await start(await inner.host(), 'lost', { portMapping: true })
      await atHubs(lost)
      const state = await portOf(lost, ({ kind, tried }) => kind === 'mapped' && tried === true)
      assert.equal(state.reached, undefined)
      assert.doesNotMatch(String(await lost.ask({ do: 'addresses' })), /9\.9\.9\.9|198\.51/)
      await meet(far, lost, /^relayed by /)
    })
    await trials.of('a router that answers nothing', async () => {
      const unheard = await start(await office.host(), 'unheard', { portMapping: true })
      await portOf(unheard, ({ kind }) => kind === 'absent')
      await atHubs(unheard)
    })
  },
}
