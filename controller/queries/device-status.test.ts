/** Tests of the rows that `status` and a deploy show: what is wanted beside what was reported. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { Report } from '../../protocol/report/report.ts'
import { testClosure, testConfig, testFleet, testStorePath } from '../../test/helpers/fleet.ts'
import { hintFor } from '../format/hints.ts'
import { deviceStatuses, hasEnded } from './device-status.ts'
import { progressOf } from './progress.ts'

const config = testConfig(testClosure('kiosk'))
const fleet = testFleet()
const { release } = fleet.release({
  configs: { kiosk: config },
  devices: { 'd-1': { config: 'kiosk' }, 'd-2': { config: 'kiosk' }, 'd-10': { config: 'kiosk' } },
})
const other = testStorePath('other')

/** A controller's knowledge: members by name and their reports. */
function peerWith(devices: { name: string; peer?: string; report?: Partial<Report> }[]): ControllerPeer {
  const member = (name: string, role: Certificate['role'], peer = `peer of ${name}`) => ({ name, role, peer })
  const members = [member('laptop', 'controller'), ...devices.map(({ name, peer }) => member(name, 'device', peer))]
  const reports = new Map(
    devices.flatMap(({ name, peer = `peer of ${name}`, report }) =>
      report === undefined ? [] : [[peer, { document: { freshness: 'fresh', ...report } }] as const],
    ),
  )
  return {
    state: { accepted: { release, sites: new Map() } },
    closures: { damaged: { all: [] } },
    directory: { certificates: () => members, report: (peer: string) => reports.get(peer) },
  } as unknown as ControllerPeer
}

const running: Partial<Report> = { state: 'running', release: release.version, running: config.topLevel }
const failed = (wanted: number, code = 'switch-failed'): Partial<Report> => ({
  state: 'failed',
  release: 1,
  wanted,
  running: other,
  error: { code, message: 'it broke' },
})

describe('the view of a fleet', () => {
  it('has a row for each device that is declared or a member, in the order that people count in', () => {
    const rows = deviceStatuses(peerWith([{ name: 'd-10', report: running }, { name: 'stranger' }]))
    assert.deepEqual(
      rows.map(({ device, state, config, peer }) => [device, state, config, peer]),
      [
        ['d-1', 'unseen', 'kiosk', null],
        ['d-2', 'unseen', 'kiosk', null],
        ['d-10', 'running', 'kiosk', 'peer of d-10'],
        ['stranger', 'unseen', null, 'peer of stranger'],
      ],
    )
  })

  it('has a device that has not joined at the site that the release gives it', () => {
    const peer = peerWith([{ name: 'd-1' }])
    const { release } = fleet.release({
      configs: { kiosk: config },
      devices: { 'd-1': { config: 'kiosk' }, 'd-2': { config: 'kiosk', site: 'bremen' } },
    })
    Object.assign(peer.state, { accepted: { release, sites: new Map() } })
    assert.deepEqual(
      deviceStatuses(peer).map(({ device, site }) => [device, site]),
      [
        ['d-1', null],
        ['d-2', 'bremen'],
      ],
    )
  })

  it('keeps its rows while nothing changes, and follows who comes, who leaves and what is released', () => {
    const peer = peerWith([{ name: 'd-10', report: running }, { name: 'd-2' }])
    const members = peer.directory.certificates() as Certificate[]
    const rows = () => deviceStatuses(peer)
    const names = () => rows().map(({ device, duplicate }) => `${device}${duplicate ? ' twice' : ''}`)
    const [before, after] = [rows(), rows()]
    assert.ok(before.length === 3 && before.every((row, at) => row === after[at]))
    Object.assign(peer.directory, { certificates: () => [...members, { ...members[2], peer: 'another' }] })
    assert.deepEqual(names(), ['d-1', 'd-2 twice', 'd-2 twice', 'd-10'])
    Object.assign(peer.directory, { certificates: () => members.slice(0, 2) })
    assert.deepEqual(names(), ['d-1', 'd-2', 'd-10'])
    const next = { ...release, devices: { 'd-3': { config: 'kiosk' } } }
    Object.assign(peer.state, { accepted: { release: next, sites: new Map() } })
    assert.deepEqual(names(), ['d-3', 'd-10'])
  })

  it('looks at each member a few times, however many there are', () => {
    const peer = peerWith(Array.from({ length: 300 }, (_, at) => ({ name: `x-${at}`, report: running })))
    let looks = 0
    const watched = peer.directory.certificates().map(certificate => ({
      ...certificate,
      get name() {
        looks++
        return certificate.name
      },
    }))
    const rows = deviceStatuses({ ...peer, directory: { ...peer.directory, certificates: () => watched } as never })
    assert.equal(rows.length, 303)
    assert.ok(looks < 10 * watched.length, `${looks} looks at ${watched.length} names`)
  })

  it('says that a device is outdated when it runs something else than the release wants', () => {
    const [row] = deviceStatuses(peerWith([{ name: 'd-1', report: { ...running, running: other, release: 1 } }]))
    assert.deepEqual([row?.state, row?.release, row?.running], ['outdated', 1, other])
  })

  it('has the next step beside the error of a device, also when its code is of a newer version', () => {
    const [known, unknown] = ['switch-failed', 'from-the-future'].map(
      code => deviceStatuses(peerWith([{ name: 'd-1', report: failed(2, code) }]))[0]?.error,
    )
    assert.deepEqual([known?.message, known?.hint], ['it broke', hintFor('switch-failed')])
    assert.match(unknown?.hint ?? '', /journalctl -u thymesh/)
  })

  it('points to two peers with one name', () => {
    const rows = deviceStatuses(
      peerWith([
        { name: 'd-1', peer: 'one' },
        { name: 'd-1', peer: 'two' },
      ]),
    )
    assert.deepEqual(
      rows.map(({ device, duplicate }) => [device, duplicate]),
      [
        ['d-1', true],
        ['d-1', true],
        ['d-2', false],
        ['d-10', false],
      ],
    )
  })
})

describe('a device has ended with a release', () => {
  const ended = (report: Partial<Report> | undefined) => {
    const [row] = deviceStatuses(peerWith([{ name: 'd-1', ...(report && { report }) }]))
    return row && hasEnded(row, release)
  }

  it('when it runs what was wanted, will not try again, or waits for a person', () => {
    assert.equal(ended(running), true)
    for (const code of ['switch-failed', 'not-running', 'unsupported', 'missing-program']) {
      assert.equal(ended(failed(release.version, code)), true, code)
    }
  })

  it('not while it is unseen, waits, works or tries again', () => {
    assert.equal(ended(undefined), false)
    for (const state of ['waiting', 'fetching', 'activating'] as const)
      assert.equal(ended({ ...running, state }), false)
    for (const code of ['disk-full', 'no-source']) assert.equal(ended(failed(release.version, code)), false, code)
  })

  it('not by a failure with an earlier release: it has not heard of this one', () => {
    assert.equal(ended(failed(release.version - 1)), false)
  })
})

describe('a rollout', () => {
  const devices = [
    { name: 'd-1', report: running },
    { name: 'd-2', report: failed(release.version, 'disk-full') },
    { name: 'd-10', report: failed(1) },
  ]

  it('names who has the whole release and who has failed with it', () => {
    const { devices: rows, holders, failed, complete } = progressOf(peerWith(devices), release)
    assert.equal(rows.length, 3)
    assert.deepEqual([holders, failed, complete], [['d-1'], ['d-2'], false])
  })

  it('counts a device that has fetched all of it and waits for its wave as a holder', () => {
    const counts = { milliseconds: 1, needed: 1, fromStore: 0, fromControllers: 1, fromNeighbours: 0, fromElsewhere: 0 }
    const update = { ...counts, release: release.version, paths: 3, pathsDone: 3, wire: 1, bytesPerSecond: 0 }
    const turn = { release: release.version, wave: 2, is: 'waiting', reason: 'wave 1 has not opened it' } as const
    const waiting: Partial<Report> = {
      state: 'running',
      release: 1,
      wanted: release.version,
      running: other,
      turn,
      update,
    }
    const held = (report: Partial<Report>) => progressOf(peerWith([{ name: 'd-1', report }]), release).holders
    assert.deepEqual(held(waiting), ['d-1'])
    assert.deepEqual(held({ ...waiting, update: { ...update, pathsDone: 2 } }), [])
    assert.deepEqual(held({ ...waiting, update: { ...update, paths: 0, pathsDone: 0 } }), [])
    assert.deepEqual(held({ ...waiting, update: { ...update, release: release.version - 1 } }), [])
  })

  it('is complete when those have ended that are waited for', () => {
    assert.equal(progressOf(peerWith(devices), release, ['d-1']).complete, true)
    assert.equal(progressOf(peerWith(devices), release, ['d-1', 'd-2']).complete, false)
    assert.equal(progressOf(peerWith(devices.slice(0, 1)), release).complete, false)
  })

  it('has no holder as long as nobody reports the release itself', () => {
    const before = [{ name: 'd-1', report: { ...running, release: 1 } }]
    assert.deepEqual(progressOf(peerWith(before), release).holders, [])
  })
})
