/** The power goes in every state of an update, and the machine comes up with the old or the new generation, whole. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import type { UpdatePolicyInput } from '../../../protocol/release/update-policy.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario, Trials } from './scenario.ts'
import { needy, quickPolicy, Updates } from './updates.ts'

/** Where the daemon stops for ever, and what the machine then comes up with. */
const wellStates = ['armed', 'testing', 'probing', 'confirming', 'committing'] as const

const pause = (state: string) => `[Service]\nEnvironment=THYMESH_PAUSE_AT=${state}\n`
const dropIn = '/etc/systemd/system/thymesh.service.d'

export const powerCut = powerCutAt('power-cut', 'in every state of an update', wellStates, true)

/** The part of it that runs with all other tests. */
export const powerCutOnce = powerCutAt('power-cut-once', 'before an update is confirmed', ['confirming'], false)

type WellState = (typeof wellStates)[number]

function powerCutAt(name: string, when: string, states: readonly WellState[], whole: boolean): Scenario {
  const title = `the power goes, or the daemon is killed, ${when}`
  return { name, title, run: trials => cutPower(trials, states, whole) }
}

async function cutPower(trials: Trials, states: readonly WellState[], whole: boolean): Promise<void> {
  await using fleet = await LabFleet.create('gate')
  const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
  const { host } = updates.device
  await updates.deployed('0')
  let at = 0

  /** The next daemon stops at this state of its update. */
  async function pausing(state: string): Promise<void> {
    await host.must(['mkdir', '-p', dropIn])
    await host.must(['sh', '-c', `cat >${dropIn}/pause.conf`], { input: pause(state) })
    await host.must(['systemctl', 'daemon-reload'])
    await host.must(['systemctl', 'restart', 'thymesh.service'])
  }
  const going = () => host.must(['rm', '-r', dropIn])

  /** Begins an update that stops at a state; the operator goes away. */
  async function upTo(
    state: string,
    portable = '',
    more: UpdatePolicyInput = {},
  ): Promise<{ before: string; next: string }> {
    const [before, next] = [await updates.message(), String(++at)]
    const release = (await updates.journal())?.release ?? 0
    const paused = await updates.device.countLogged('paused, as THYMESH_PAUSE_AT says')
    await pausing(state)
    // Nobody has to answer: whether the operator is there is another scenario's.
    const policy = { ...quickPolicy, confirm: { deadlineSeconds: 80, peers: 0 }, ...more }
    await updates.commit(next, { portable, policy })
    let laptop: ChildProcess | undefined
    const onStart = (child: ChildProcess) => {
      laptop = child
    }
    const deploying = fleet.operator.runWith({ onStart }, 'deploy', '-m', next)
    try {
      await updates.journalled(state, release)
      // Else it would go on, and the power go at another state.
      await updates.device.logged('paused, as THYMESH_PAUSE_AT says', paused)
    } finally {
      await going()
      laptop?.kill('SIGTERM')
      await deploying.catch(() => {})
    }
    return { before, next }
  }

  for (const state of states) {
    await trials.of(`power cut at ${state}`, async () => {
      const { before, next } = await upTo(state)
      await host.powerCut()
      await host.boot()
      // The old one boots: it was not committed. The daemon then tries again.
      const first = await updates.message()
      assert.ok(first === before || first === next, first)
      await updates.journalled('committed')
      await updates.is(next)
    })
    await trials.of(`daemon killed at ${state}`, async () => {
      const { next } = await upTo(state)
      await host.must(['systemctl', 'daemon-reload'])
      await host.must(['systemctl', 'kill', '-s', 'KILL', 'thymesh.service'])
      await updates.journalled('committed')
      await updates.is(next)
    })
  }
  if (!whole) return
  await trials.of('power cut at committed', async () => {
    const { next } = await upTo('committed')
    await host.powerCut()
    await host.boot()
    await updates.is(next)
  })
  await trials.of('power cut at held', async () => {
    const { before, next } = await upTo('held', needy('lamp'), { degraded: 'hold' })
    await host.powerCut()
    await host.boot()
    // The old one boots; the daemon tries again, and holds it again.
    assert.ok([before, next].includes(await updates.message()))
    await updates.device.until('to hold it again', async () => {
      const entry = await updates.journal()
      return entry?.state === 'held' && entry.attempt === 2
    })
    assert.equal(await updates.message(), next)
    await updates.heal('lamp', next)
  })
  await trials.of('daemon killed at held', async () => {
    const { next } = await upTo('held', needy('pump'), { degraded: 'hold' })
    await host.must(['systemctl', 'daemon-reload'])
    await host.must(['systemctl', 'kill', '-s', 'KILL', 'thymesh.service'])
    assert.equal(await updates.message(), next)
    assert.notEqual(await updates.boots(), await updates.device.running())
    await updates.heal('pump', next)
  })
  const failing = `units."bad.service" = {
      Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
    };`
  for (const state of ['rolling-back', 'rolled-back'] as const) {
    await trials.of(`power cut at ${state}`, async () => {
      const { before } = await upTo(state, failing)
      await host.powerCut()
      await host.boot()
      await updates.is(before)
      await updates.journalled('rolled-back')
      await updates.is(before)
    })
  }
}
