/** Releases that come faster than a device can take them: it ends with the newest, whatever it was doing. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { type Extra, quickPolicy, Updates } from './updates.ts'

/** Longer than an operator needs to publish a release. */
const slowSeconds = 25
const slowUnit = (at: 'start' | 'stop') => `units."slow.service" = {
  Service.Type = "oneshot"; Service.RemainAfterExit = true;
  Service.ExecStart = "/bin/sleep ${at === 'start' ? slowSeconds : 0}";
  Service.ExecStop = "/bin/sleep ${at === 'stop' ? slowSeconds : 0}";
  wantedBy = [ "multi-user.target" ];
};`

export const twoReleases: Scenario = {
  name: 'two-releases',
  title: 'of two releases in quick succession the newer one runs at last',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { device } = updates
    // Nobody has to answer: the operator comes and goes.
    const policy = { ...quickPolicy, confirm: { deadlineSeconds: 60, peers: 0 } }
    await updates.deployed('0', { policy })
    let at = 0

    /** Publishes a release, and one more when the device is at that point of the first. Gives the numbers of both. */
    async function overtaken(extra: Extra, point: (release: number) => Promise<void>): Promise<[number, number]> {
      const [older, newer] = [String(++at), String(++at)]
      const before = (await updates.journal())?.release ?? 0
      await updates.commit(older, { ...extra, policy })
      const leave = new AbortController()
      const onStart = (child: { kill(signal: 'SIGTERM'): void }) =>
        leave.signal.addEventListener('abort', () => child.kill('SIGTERM'))
      const deploying = fleet.operator.runWith({ onStart }, 'deploy', '-m', older)
      try {
        await point(before)
      } finally {
        leave.abort()
        await deploying
      }
      await updates.deployed(newer, { policy })
      const entry = await updates.journal()
      assert.deepEqual([entry?.state, entry?.new], ['committed', await device.running()])
      return [before + 1, entry?.release ?? 0]
    }
    /** The newer one came between these states of the older one's update, by the daemon's log. */
    async function cameBetween([older, newer]: readonly [number, number], first: string, next: string): Promise<void> {
      const lines = (await device.log()).split('\n')
      const lineOf = (release: number, ...words: string[]) =>
        lines.findIndex(line => [`"release":${release},`, ...words].every(each => line.includes(each)))
      const order = [
        lineOf(older, '"journal"', `"state":"${first}"`),
        lineOf(newer, '"a new release is trusted"'),
        lineOf(older, '"journal"', `"state":"${next}"`),
      ]
      assert.ok(!order.includes(-1), `expected ${first}, the newer release and ${next} in the log, got lines ${order}`)
      assert.deepEqual(
        order.toSorted((a, b) => a - b),
        order,
        `expected the newer release between ${first} and ${next}`,
      )
    }

    await trials.of('a newer one while it is fetched', async () => {
      const begins = 'the update begins'
      const begun = await device.countLogged(begins)
      // The operator, who alone has it, leaves before all of it has come.
      const [older] = await overtaken({ noiseMegabytes: 200 }, () => device.logged(begins, begun))
      assert.doesNotMatch(await device.log(), new RegExp(`"release":${older},.*"msg":"journal"`))
    })
    await trials.of('a newer one while it is tested', async () => {
      const both = await overtaken({ portable: slowUnit('start') }, before => updates.journalled('testing', before))
      await cameBetween(both, 'testing', 'probing')
    })
    await trials.of('a newer one while a failed one is taken back', async () => {
      const failing = `${slowUnit('stop')} units."bad.service" = {
        Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
      };`
      const both = await overtaken({ portable: failing }, before => updates.journalled('rolling-back', before))
      await cameBetween(both, 'rolling-back', 'rolled-back')
    })
  },
}
