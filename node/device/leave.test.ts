/** Tests of leaving a fleet: what goes is the daemon's that is meant, in which order, and nothing of the machine's own. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testStorePath } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { activationDirectory, Journal } from '../activation/journal.ts'
import type { ActivationState, JournalEntry } from '../activation/journal-entry.ts'
import { temporaryFolder } from '../files/temporary.ts'
import { Database } from '../state/database.ts'
import { leaveFleet } from './leave.ts'

async function withMachine(work: (place: (path: string) => string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder()
  const place = (path: string) => join(folder.path, path)
  try {
    for (const path of ['state', 'root/run/thymesh/secrets.ab12', 'store/nix/var/nix/gcroots/thymesh']) {
      await mkdir(place(path), { recursive: true })
    }
    await writeFile(place('state/identity.key'), 'key')
    await writeFile(place('root/run/thymesh/secrets.ab12/wifi'), 'plain')
    await work(place)
  } finally {
    await folder.remove()
  }
}

describe('a daemon beside the own one of the machine', () => {
  it('takes its state alone with it', async () => {
    await withMachine(async place => {
      const { removed, left } = await leaveFleet({ state: place('state'), isMachine: false })
      assert.deepEqual(removed, [place('state')])
      assert.equal(existsSync(place('state')), false)
      assert.doesNotMatch(left.join(), /package|token/)
    })
  })

  it('takes the secrets of its root and the roots of its store, and tells of the token in its settings', async () => {
    await withMachine(async place => {
      const [state, root, store] = [place('state'), place('root'), place('store')]
      const join = { token: 'thymesh-join-1.x', name: 'kiosk' }
      const { left } = await leaveFleet({ state, root, store, join, isMachine: false })
      for (const path of ['state', 'root/run/thymesh/secrets.ab12', 'store/nix/var/nix/gcroots/thymesh']) {
        assert.equal(existsSync(place(path)), false, path)
      }
      assert.match(left.join(), /the join token in its settings/)
    })
  })

  it('is none without a state', async () => {
    await withMachine(async place => {
      await assert.rejects(leaveFleet({ state: place('root'), isMachine: false }), { code: 'no-member' })
      assert.equal(existsSync(place('root')), true)
    })
  })
})

function entryOf(state: ActivationState): JournalEntry {
  const update = { id: '7-1', release: 7, config: 'kiosk', target: 'portable', new: testStorePath('new') } as const
  return { v: 1, state, ...update, boot: 'a-boot', attempt: 1, deadline: 700, contacts: 2, baseline: [] }
}

/** A device below a folder: its state, a secret, and roots of the garbage collector. */
function device(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'thymesh-leave-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const [state, store] = [join(root, 'state'), join(root, 'store')]
  const roots = join(store, 'nix/var/nix/gcroots/thymesh')
  const secrets = join(root, 'run/thymesh/secrets')
  for (const folder of [state, roots, `${secrets}.1`]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(state, 'identity.key'), 'key')
  writeFileSync(join(`${secrets}.1`, 'password'), 'plain')
  symlinkSync('secrets.1', secrets)
  return { root, state, store, roots, secrets }
}

it('a machine that leaves keeps no key, no secret and no roots; its state goes last, so that it can be tried again', async t => {
  const { root, state, store, roots, secrets } = device(t)
  const { removed } = await leaveFleet({ root, state, store, isMachine: false })
  assert.deepEqual(removed, [secrets, roots, state])
  for (const path of [...removed, `${secrets}.1`]) assert.ok(!existsSync(path), path)
  await assert.rejects(leaveFleet({ root, state, store, isMachine: false }), withCode('no-member'))
})

it('nothing is deleted, and no daemon stopped, in the middle of an update', async t => {
  const { root, state, store, secrets } = device(t)
  const journal = new Journal({ log: silentLogger }, { directory: activationDirectory(state) })
  for (const at of [
    'rebooting',
    'armed',
    'testing',
    'probing',
    'confirming',
    'held',
    'committing',
    'rolling-back',
  ] as const) {
    await journal.write(entryOf(at))
    await assert.rejects(leaveFleet({ root, state, store, isMachine: false }), withCode('updating'), at)
    assert.ok(existsSync(secrets) && existsSync(join(state, 'identity.key')))
  }
  await journal.write(entryOf('committed'))
  await leaveFleet({ root, state, store, isMachine: false })
  assert.ok(!existsSync(state))
})

it('nothing is deleted while a daemon uses the state', async t => {
  const { root, state, store, secrets } = device(t)
  const database = await Database.open(state)
  t.after(() => database.close())
  await assert.rejects(leaveFleet({ root, state, store, isMachine: false }), withCode('daemon-runs'))
  assert.ok(existsSync(secrets) && existsSync(join(state, 'identity.key')))
})
