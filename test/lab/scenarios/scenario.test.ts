/** Tests of how scenarios are counted; no machine is booted. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runScenario } from './scenario.ts'

const verdicts = async (run: Parameters<typeof runScenario>[0]['run']) =>
  (await runScenario({ name: 'sample', title: 'a sample', run })).map(({ fault, held }) => [fault, held])

describe('runScenario', () => {
  it('counts each fault, and goes on after one that ended badly', async () => {
    const found = await verdicts(async trials => {
      await trials.of('one', () => Promise.reject(new Error('no')))
      await trials.of('two', async () => {})
    })
    assert.deepEqual(found, [
      ['one', false],
      ['two', true],
    ])
  })

  it('counts a scenario that does no fault, or does not come to it, as one that ended badly', async () => {
    assert.deepEqual(await verdicts(async () => {}), [['set-up', false]])
    assert.deepEqual(await verdicts(() => Promise.reject(new Error('no'))), [['set-up', false]])
  })
})
