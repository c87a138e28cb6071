/** Tests of who calls the boot of a machine good that is no device. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { activationDirectory } from '../activation/journal.ts'
import { callBootGood } from './good-boot.ts'

it('a boot is good where no update has ever begun, by a daemon of the machine’s own', async t => {
  const place = await testDirectory(t)
  const [state, run] = [join(place, 'state'), join(place, 'run')]
  assert.equal(await callBootGood(state, run), false)
  assert.equal(existsSync(run), false)
  await mkdir(run)
  assert.equal(await callBootGood(state, run), true)
  assert.ok(existsSync(join(run, 'good-boot')))
})

it('a daemon that has lost its membership is a reason to fall back', async t => {
  const place = await testDirectory(t)
  await mkdir(activationDirectory(place), { recursive: true })
  await writeFile(join(activationDirectory(place), 'journal'), 'state=committed\n')
  assert.equal(await callBootGood(place, place), false)
  assert.ok(!existsSync(join(place, 'good-boot')))
})
