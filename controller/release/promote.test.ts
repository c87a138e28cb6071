/** Tests of promotions, and of the waves as an operator sees them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { Report } from '../../protocol/report/report.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { waveStatuses } from '../queries/waves.ts'
import { rolloutText } from '../views/rollout.ts'
import { promoteContent } from './promote.ts'

const kiosk = testConfig(testClosure('kiosk'))
const devices = Object.fromEntries(
  ['a-1', 'a-2', 'a-3', 'b-1'].map(name => [
    name,
    { config: 'kiosk', ...(name.startsWith('a') && { tags: ['canary'] }) },
  ]),
)
const release: Release = {
  ...testFleet().published.release,
  version: 2,
  message: 'new',
  rollout: { waves: [{ tag: 'canary' }], soakSeconds: 720 },
  configs: { kiosk },
  devices,
}

function directoryWith(
  reports: Record<string, Partial<Report>>,
  sites: ReadonlyMap<string, Release> = new Map(),
): Pick<ControllerPeer, 'directory' | 'state'> {
  const certificates = Object.keys(devices).map(name => {
    return { name, peer: name, role: 'device', issued: 'x', site: name.startsWith('b') ? 'berlin' : 'paris' }
  })
  const report = (peer: string) => reports[peer] && { document: { freshness: 'fresh', ...reports[peer] } }
  const directory = { certificates: () => certificates, report }
  return { directory, state: { accepted: { release, sites } } } as unknown as Pick<
    ControllerPeer,
    'directory' | 'state'
  >
}

const running: Partial<Report> = { state: 'running', release: 2, running: kiosk.topLevel, since: release.created }
const rolledBack: Partial<Report> = {
  state: 'rolled-back',
  wanted: 2,
  error: { code: 'health-failed', message: 'web' },
}
const clock = new Date(release.created)

describe('a promotion', () => {
  it('has the content and the waves of the release, all of them open', () => {
    const content = promoteContent(release, undefined)
    assert.deepEqual(content.promotes, { release: 2 })
    assert.deepEqual([content.configs, content.devices, content.rollout], [release.configs, devices, release.rollout])
    assert.equal('version' in content, false)
  })

  it('may open the first waves only, and takes back none of an earlier one', () => {
    assert.deepEqual(promoteContent(release, 1).promotes, { release: 2, waves: 1 })
    assert.deepEqual(promoteContent(release, 2).promotes, { release: 2 })
    const again = { ...release, version: 3, promotes: { release: 2, waves: 1 } }
    assert.deepEqual(promoteContent(again, 1).promotes, { release: 2, waves: 1 })
    assert.deepEqual(promoteContent({ ...again, promotes: { release: 2 } }, 1).promotes, { release: 2 })
  })

  it('needs waves', () => {
    const { rollout, ...without } = release
    assert.throws(() => promoteContent(without, undefined), withCode('no-waves'))
    assert.throws(() => promoteContent(release, 3), withCode('unknown-wave'))
  })
})

describe('the waves that an operator sees', () => {
  const states = (reports: Record<string, Partial<Report>>, of = release, at = clock) =>
    waveStatuses(directoryWith(reports), of, at).map(({ state, reason }) =>
      reason === null ? state : `${state}: ${reason}`,
    )

  it('update, wait, soak and are confirmed', () => {
    assert.deepEqual(states({ 'a-1': running }), ['updating', 'waiting: wave 1 has 1 of 3 confirmed'])
    const canaries = { 'a-1': running, 'a-2': running, 'a-3': running }
    const soaking = 'waiting: wave 1 has 3 of 3 confirmed, soak ends in 12 min'
    assert.deepEqual(states(canaries), ['confirmed', soaking])
    const later = new Date(clock.getTime() + 720_000)
    assert.deepEqual(states(canaries, release, later), ['confirmed', 'updating'])
    assert.deepEqual(states({ ...canaries, 'b-1': running }), ['confirmed', 'confirmed'])
  })

  it('are held by failures until they are promoted', () => {
    const reports = { 'a-1': running, 'a-2': rolledBack }
    const held = 'held: wave 1 has 1 of 3 failed: a-2'
    assert.deepEqual(states(reports), [held, held])
    assert.deepEqual(states(reports, { ...release, version: 3, promotes: { release: 2 } }), ['updating', 'updating'])
  })

  it('are all in one when there is no policy', () => {
    const { rollout, ...without } = release
    assert.deepEqual(states({}, without), ['updating'])
  })

  it("are of the devices for which the release counts: not of a site's own, nor of those that it names elsewhere", () => {
    const waves = { waves: [{ tag: 'canary' }] }
    const berlin = { ...release, site: 'berlin', version: 1, rollout: { waves: [{ count: 1 }] } }
    const taken = { ...berlin, devices: { 'a-1': { config: 'kiosk' }, 'b-1': { config: 'kiosk' } } }
    const canaries = { 'a-1': running, 'a-2': running, 'a-3': running }
    const turn = { release: 1, wave: 1, is: 'waiting', reason: 'the maintenance window opens in 1 h' } as const
    const peer = directoryWith(
      { ...canaries, 'b-1': { state: 'running', site: 'berlin', turn } },
      new Map([['berlin', taken]]),
    )
    const seen = (of: Release) =>
      waveStatuses(peer, of, clock).map(({ state, devices }) => [
        state,
        devices.map(({ device, reason }) => [device, reason]),
      ])
    const all = ['a-1', 'a-2', 'a-3'].map(name => [name, null])
    // Nobody of the second wave is left: the rollout is over.
    assert.deepEqual(seen({ ...release, rollout: waves }), [['confirmed', all]])
    assert.deepEqual(seen(taken), [['updating', [['b-1', turn.reason]]]])
    // The fleet's versions count separately: a report about those tells nothing about this one.
    const [first] = waveStatuses(directoryWith({ 'b-1': { turn } }, new Map([['berlin', taken]])), taken, clock)
    assert.deepEqual(
      first?.devices.map(({ reason }) => reason),
      [null],
    )
  })

  it('are a table, with the devices that have not confirmed below it', () => {
    const turn = { release: 2, wave: 2, is: 'waiting', reason: 'wave 1 has 1 of 3 confirmed' } as const
    const reports = { 'a-1': running, 'a-2': rolledBack, 'b-1': { state: 'running', turn } } as const
    const policy = { waves: [{ tag: 'canary' }], failures: 1, soakSeconds: 720 }
    const failing = { ...release, rollout: policy }
    assert.equal(
      rolloutText({
        release: 2,
        message: 'new',
        promotes: null,
        policy,
        complete: false,
        waves: waveStatuses(directoryWith(reports), failing, clock),
      }),
      `Release 2 (new)

WAVE  DEVICES     CONFIRMED  FAILED  SOAK    STATE
1     tag canary  1 of 3     1       12 min  updating
2     all others  0 of 1     0       12 min  waiting: wave 1 has 1 of 3 confirmed, 1 failed

  wave 1  a-2                  failed
  wave 1  a-3                  pending
  wave 2  b-1                  pending: wave 1 has 1 of 3 confirmed`,
    )
  })
})
