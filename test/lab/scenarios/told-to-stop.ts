/** The daemon is restarted or stopped, or the machine goes down in good order, while an update is at work. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { quickPolicy, Updates } from './updates.ts'

/** Where the portable target's programs find it first: what is committed takes a while. */
const slowSync = { '/usr/local/bin/sync': '#!/bin/sh\nsleep 0.5\nexec /usr/bin/sync "$@"\n' }

/** The switch takes a while, too. */
const slowUnit = (name: string) => `units."slow.service" = {
  Service.Type = "oneshot"; Service.RemainAfterExit = true;
  Service.ExecStart = "/bin/sh -c 'sleep 4 # ${name}'"; wantedBy = [ "multi-user.target" ];
};`

const states = ['testing', 'probing', 'committing'] as const

export const toldToStop: Scenario = {
  name: 'told-to-stop',
  title: 'restart, stop, reboot and power-off in the middle of an update are no verdict: it goes on, or is tried again',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate', files: slowSync }))
    const { host } = updates.device
    await host.must(['chmod', '+x', '/usr/local/bin/sync'])
    await updates.deployed('0')
    let at = 0

    /** Begins an update that nobody has to confirm, up to a state; the operator goes away. */
    async function upTo(state: string, deadlineSeconds = 80): Promise<{ next: string; release: number }> {
      const next = String(++at)
      const release = (await updates.journal())?.release ?? 0
      const policy = { ...quickPolicy, health: { settleSeconds: 6 }, confirm: { deadlineSeconds, peers: 0 } }
      await updates.commit(next, { portable: slowUnit(next), policy })
      let laptop: ChildProcess | undefined
      const onStart = (child: ChildProcess) => {
        laptop = child
      }
      const deploying = fleet.operator.runWith({ onStart }, 'deploy', '-m', next)
      try {
        await updates.journalled(state, release)
      } finally {
        laptop?.kill('SIGTERM')
        await deploying.catch(() => {})
      }
      return { next, release }
    }
    async function goesOn({ next, release }: { next: string; release: number }): Promise<void> {
      await updates.device.until('to end the update', async () => {
        const entry = await updates.journal()
        assert.notEqual(entry?.state, 'rolled-back', JSON.stringify(entry))
        assert.notEqual(entry?.state, 'failed', JSON.stringify(entry))
        return entry?.state === 'committed' && entry.release > release
      })
      await updates.is(next)
    }

    for (const state of states) {
      await trials.of(`daemon restarted at ${state}`, async () => {
        const update = await upTo(state)
        await host.must(['systemctl', 'restart', 'thymesh.service'])
        await goesOn(update)
      })
      await trials.of(`reboot at ${state}`, async () => {
        const update = await upTo(state)
        await host.reboot()
        await goesOn(update)
      })
      await trials.of(`power-off at ${state}`, async () => {
        const update = await upTo(state)
        await host.stop()
        await host.boot()
        await goesOn(update)
      })
    }
    await trials.of('daemon stopped until after the deadline', async () => {
      const update = await upTo('probing', 15)
      await host.must(['systemctl', 'stop', 'thymesh.service'])
      await updates.device.until('to go back', async () => (await updates.message()) !== update.next)
      await host.must(['systemctl', 'start', 'thymesh.service'])
      await goesOn(update)
    })
    await trials.of('no room for the commit for a moment', async () => {
      await host.must(['sh', '-c', 'cat >/usr/local/bin/sync; chmod +x /usr/local/bin/sync'], {
        input:
          '#!/bin/sh\ntest -e /run/room || { touch /run/room; echo "No space left on device" >&2; kill -TERM $PPID; }\nexec /usr/bin/sync "$@"\n',
      })
      await goesOn(await upTo('committing'))
    })
  },
}
