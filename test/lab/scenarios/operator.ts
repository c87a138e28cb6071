/** Faults on the operator's side: edits while a release is built, and a store that is damaged before any device asks. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hello } from '../../e2e/helpers/project.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

export const operatorFaults: Scenario = {
  name: 'operator',
  title: 'a release brings what was committed, and a damaged store is named before any device asks',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { operator } = fleet
    await updates.deployed('first')
    await trials.of('an edit while the release is built', async () => {
      await updates.commit('committed')
      const onStart = (child: ChildProcess) => {
        child.stderr?.on('data', (text: Buffer) => {
          if (!/Building/.test(String(text))) return
          void writeFile(join(operator.project, 'configs/hello.json'), JSON.stringify(hello('edited', { extra: {} })))
        })
      }
      const ended = await operator.runWith({ onStart }, 'deploy', '--timeout', '85')
      assert.equal(ended.code, 0, ended.stderr)
      await updates.is('committed')
      await operator.git('checkout', '-q', '--', '.')
    })
    await trials.of('a damaged path of the store of the operator', async () => {
      const { running } = await updates.status()
      const file = join(operator.store, running ?? '', 'etc/hello')
      await chmod(file, 0o644)
      await writeFile(file, 'COMMITTED')
      const error = await operator.error('deploy', '--force', '--timeout', '20')
      assert.equal(error.code, 'nar-mismatch')
      assert.ok(error.message.includes(running ?? '-'), error.message)
      const { damaged } = await operator.json<{ damaged: string[] }>('status')
      assert.deepEqual(damaged, [running])
      await updates.is('committed')
    })
  },
}
