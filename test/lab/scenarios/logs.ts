/** A device's logs over the mesh, where there is a real journal. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import type { SearchedLogs } from '../../../controller/api/schemas/device.ts'
import { hello } from '../../e2e/helpers/project.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

interface LogsJson {
  lines: string[]
}

const brokenModule = `{
  portable = _: {
    units."bad.service" = {
      Service.Type = "oneshot"; Service.ExecStart = "/bin/sh -c 'echo it is broken; exit 3'";
      wantedBy = [ "multi-user.target" ];
    };
  };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; };
}`

export const logs: Scenario = {
  name: 'logs',
  title: 'the reason of a failure is read over the mesh, and nothing else',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const { operator } = fleet
    const gate = await fleet.device({ name: 'gate' })
    await operator.commit('one', { 'configs/hello.json': hello('one') })
    await operator.json('deploy', '--timeout', '80')
    const read = async (...args: string[]) => (await operator.json<LogsJson>('logs', 'gate', ...args)).lines

    await trials.of('a unit fails', async () => {
      await operator.commit('two', {
        'modules/broken.nix': brokenModule,
        'configs/hello.json': hello('two', { broken: {} }),
      })
      const ended = await operator.run('deploy', '--timeout', '80', '--json')
      assert.equal(ended.code, 1, ended.stdout + ended.stderr)
      const shown = await operator.json<{ excerpt: string | null; history: { code?: string }[] }>('device', 'gate')
      assert.match(shown.excerpt ?? '', /it is broken/)
      assert.ok(shown.history[0]?.code)
      assert.ok((await read('--unit', 'bad')).some(line => line.includes('it is broken')))
      assert.ok((await read('--activation')).some(line => line.includes('it is broken')))
    })
    await trials.of('lines, units and times are kept to', async () => {
      assert.equal((await read('--lines', '3')).length, 3)
      const hello = await read('--unit', 'hello.service', '--since', '1h')
      assert.ok(hello.some(line => line.includes('one')))
      assert.ok(hello.every(line => !line.includes('it is broken')))
      assert.deepEqual(await read('--unit', 'hello.service', '--since', '2099-01-01'), [])
      assert.equal((await operator.error('logs', 'gate', '--unit', 'x;reboot.service')).code, 'invalid-unit')
    })
    await trials.of('many devices are searched', async () => {
      const search = (...args: string[]) => operator.json<SearchedLogs>('logs', '--on', 'all', '--since', '1h', ...args)
      const { devices: found } = await search('--grep', 'IT IS broken')
      assert.deepEqual(
        found.map(({ device, state }) => [device, state]),
        [['gate', 'read']],
      )
      assert.ok(found[0]?.lines.length)
      assert.ok(found[0].lines.every(line => line.includes('it is broken')))
      assert.deepEqual((await search('--grep', 'no line has this')).devices[0]?.lines, [])
    })
    await trials.of('what comes is followed', async () => {
      const begun = Promise.withResolvers<void>()
      const onStart = (child: ChildProcess) => {
        child.stdout?.on('data', (text: string) => {
          begun.resolve()
          if (text.includes('a later line')) child.kill('SIGINT')
        })
      }
      const following = operator.runWith({ onStart }, 'logs', 'gate', '--follow', '--lines', '5')
      await Promise.race([begun.promise, following])
      await gate.host.must(['sh', '-c', 'echo a later line | systemd-cat'])
      const { stdout } = await following
      assert.match(stdout, /a later line/)
    })
    await trials.of('link cut', async () => {
      await gate.host.link?.set('down')
      assert.equal((await operator.error('logs', 'gate', '--wait', '3')).code, 'not-in-reach')
      const known = await operator.json<{ historyFrom: string; history: unknown[] }>('device', 'gate', '--wait', '2')
      assert.equal(known.historyFrom, 'reports')
      assert.ok(known.history.length >= 2)
      await gate.host.link?.set('up')
      assert.ok((await read('--lines', '1', '--wait', '60')).length === 1)
    })
  },
}
