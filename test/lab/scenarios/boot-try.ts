/** `thymesh try` of NixOS configs: QEMU boots the image that Nix builds, and takes the update that a release would bring. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import type { Rehearsed } from '../../../controller/api/schemas/rehearsal.ts'
import { remains } from '../../e2e/helpers/rehearsals.ts'
import { poll } from '../../helpers/until.ts'
import { rehearsalLimitMs, TryFleet } from '../boot/try-fleet.ts'
import type { Scenario } from './scenario.ts'

export const bootTry: Scenario = {
  name: 'boot-try',
  title: 'UEFI: a NixOS config is tried in QEMU, from the image of what runs now, with a power cut, and leaves nothing',
  async run(trials) {
    await using fleet = await TryFleet.create({ hello: 'one' })
    const { operator } = fleet
    const rehearse = async (...flags: string[]) => {
      const ended = await operator.runWith({ limitMs: rehearsalLimitMs }, 'try', 'gate', '--json', ...flags)
      process.stderr.write(ended.stderr)
      assert.deepEqual(remains(operator), [])
      return { code: ended.code, tried: JSON.parse(ended.stdout) as Rehearsed }
    }
    const said = ({ steps }: Rehearsed) =>
      steps.map(({ step, seconds }) => `${step} ${Math.round(seconds)} s`).join(', ')
    await fleet.release()
    await trials.of('killed once its machine is up: nothing is left', async () => {
      let command: ChildProcess | undefined
      const onStart = (child: ChildProcess) => {
        command = child
        child.stderr?.on('data', (text: Buffer) => {
          if (String(text).includes('boot: ok')) child.kill('SIGKILL')
        })
      }
      const ended = await operator.runWith({ limitMs: rehearsalLimitMs, onStart }, 'try', 'gate', '--no-from')
      assert.equal(command?.signalCode, 'SIGKILL', ended.stdout + ended.stderr)
      const gone = await poll(() => remains(operator).length === 0, { limitMs: 120_000, everyMs: 500 })
      assert.ok(gone, `what is left: ${remains(operator).join(', ')}`)
    })
    await trials.of('a unit that fails: the verdict names it', async () => {
      const nixos = `systemd.services.bad = {
        wantedBy = [ "multi-user.target" ]; script = "exit 1"; serviceConfig.Type = "oneshot";
      };`
      await fleet.commit({ hello: 'three', nixos })
      const { code, tried } = await rehearse()
      const failed = tried.steps.find(({ ok }) => !ok)
      assert.match(failed?.said ?? '', /degraded[\s\S]*bad\.service/, JSON.stringify(tried, null, 1))
      assert.deepEqual([code, tried.verdict], [1, 'fail'])
      return said(tried)
    })
    const passes = async (steps: readonly string[], from: number | undefined, ...flags: string[]) => {
      const { code, tried } = await rehearse(...flags)
      assert.deepEqual(
        tried.steps.map(({ step, ok }) => [step, ok]),
        steps.map(step => [step, true]),
        JSON.stringify(tried, null, 1),
      )
      assert.deepEqual([code, tried.verdict, tried.from?.release], [0, 'pass', from])
      return said(tried)
    }
    const ofUpdate = ['boot', 'join', 'install', 'power cut', 'update', 'reboot', 'roll back']
    await trials.of('another kernel: booted once, the power goes, booted again, and back', async () => {
      await fleet.commit({ hello: 'two', nixos: 'boot.kernelParams = [ "lab.two" ];' })
      return await passes(ofUpdate, 2)
    })
    await trials.of('another file: switched to, the power goes, switched to again, and back', async () => {
      await fleet.commit({ hello: 'four' })
      return await passes(ofUpdate, 2)
    })
    await trials.of('a first install: its image is what the release says, and boots again', async () => {
      return await passes(['boot', 'join', 'install', 'power cut', 'reboot'], undefined, '--no-from')
    })
  },
}
