/** A machine that has left its fleet starts as a good one: its loader must not fall back to an older generation. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { parseSettings } from '../settings/settings.ts'
import { openState } from '../state/peer-state.ts'
import { leaveFleet } from './leave.ts'
import { memberHere } from './member-here.ts'

it('a daemon that starts after `leave` calls the boot good, if it is the own one of the machine', async t => {
  const place = await testDirectory(t)
  const [own, other, run] = [join(place, 'own'), join(place, 'other'), join(place, 'run')]
  const goodBoot = join(run, 'good-boot')
  await mkdir(run)
  const starts = async (state: string, root?: string) => {
    const settings = parseSettings({ state, ...(root && { root }) }, 'a test')
    const opened = await openState(settings)
    try {
      await assert.rejects(memberHere(opened, settings, { state: own, run }), withCode('no-token'))
    } finally {
      await opened.database.close()
    }
  }
  await starts(own)
  await leaveFleet({ state: own, root: undefined, store: undefined, isMachine: false, join: undefined })
  await rm(goodBoot, { force: true })
  await starts(other)
  await starts(own, place)
  assert.ok(!existsSync(goodBoot), 'one beside it, or below a root, says nothing about the machine')
  await starts(own)
  assert.ok(existsSync(goodBoot))
})
