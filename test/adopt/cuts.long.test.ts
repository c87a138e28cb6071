/**
 * Adoptions that are cut off or cancelled, by a user whose sudo asks for a password: the next run goes on, at each of the twelve
 * places before and after a step; a cancelled one leaves nothing.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { labSkip } from '../lab/needs.ts'
import { mustRun } from '../lab/run.ts'
import { adoptScene, type Scene } from './scene.ts'

const program = join(import.meta.dirname, 'cut-program.ts')
const steps = [
  ...['begin a journal on the machine', 'copy the package', 'install'],
  ...['join the fleet', 'start the daemon', 'confirm the membership'],
]

/** A dozen adoptions, of which one installs the package, on a loaded computer. */
const limitMs = 600_000

interface Run {
  place: string
  reached: boolean
  code?: string
  message?: string
  result?: { name: string; peer: string; resumed: boolean }
  notes: string[]
}

describe('an adoption', { skip: labSkip() }, () => {
  let scene: Scene
  before(async () => {
    scene = await adoptScene()
  })
  after(() => scene?.[Symbol.asyncDispose]())

  /** Runs with these ends, one after the other. */
  async function runs(how: 'cut' | 'cancel', places: readonly string[]): Promise<Run[]> {
    const { operator } = scene.fleet
    const { sshOptions, packages, destination } = scene
    const options = {
      destination: destination('asks'),
      sshOptions,
      package: packages,
      name: 'kiosk',
      sudoPassword: 'open',
    }
    const argv = [process.execPath, program, operator.project, JSON.stringify(options), how, ...places]
    const stdout = await mustRun(scene.fleet.network.argv(argv), { timeoutMs: limitMs, env: operator.env })
    return stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Run]))
  }

  it('that is cancelled leaves nothing, on the machine or in the fleet', async () => {
    for (const run of await runs(
      'cancel',
      steps.map(step => `before ${step}`),
    )) {
      assert.deepEqual([run.code, run.reached], ['cancelled', true], JSON.stringify(run))
      assert.deepEqual(await scene.remains(), [], JSON.stringify(run))
    }
    const { members } = await scene.fleet.operator.json<{ members: { name: string; state: string }[] }>('members')
    assert.deepEqual(
      members.filter(({ name, state }) => name === 'kiosk' && state !== 'revoked'),
      [],
    )
  })

  it('that is cut off before and after each step goes on each time', async () => {
    const places = steps.flatMap(step => [`before ${step}`, `after ${step}`])
    const all = await runs('cut', [...places, 'never'])
    const said = JSON.stringify(all, null, 1)
    assert.ok(
      all.slice(0, -1).every(({ reached }) => reached),
      said,
    )
    // With the last step nothing more is asked of the machine.
    const lost = all.filter(({ code }) => code === 'connection-lost')
    assert.deepEqual(
      lost.map(({ place }) => place),
      places.slice(0, 9),
      said,
    )
    const [first, ...others] = all.flatMap(({ result }) => (result === undefined ? [] : [result.peer]))
    assert.equal(others.length, 3, said)
    assert.ok(
      others.every(peer => peer === first),
      said,
    )
    assert.equal((await scene.host.exec(['ls', '/var/lib/thymesh-adopt'])).code, 2)
    const { members } = await scene.fleet.operator.json<{ members: { peer: string; state: string }[] }>('members')
    assert.equal(members.find(({ peer }) => peer === first)?.state, 'member', said)
  })
})
