/** Tests of verdicts: each one, each state that a device reports, and each error after which it does not try again. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DeviceFacts, deviceFactsSchema } from '../../node/standing/facts.ts'
import { type DeviceState, finalUpdateErrors } from '../../protocol/report/report.ts'
import { factsSample } from '../../test/helpers/facts-sample.ts'
import type { VerdictCode } from '../api/schemas/why.ts'
import { verdictOf } from './verdict.ts'

const earlier = '2026-01-31T11:00:00Z'
const top = factsSample.release.wanted.topLevel

type Report = NonNullable<DeviceFacts['report']>

const report: Report = factsSample.report
const update: NonNullable<Report['update']> = {
  ...{ release: 12, milliseconds: 1000, paths: 9, pathsDone: 2, needed: 120_000_000, fromStore: 0 },
  ...{ fromControllers: 0, fromNeighbours: 20_000_000, fromElsewhere: 0, wire: 9_000_000, bytesPerSecond: 0 },
}
const facts: DeviceFacts = factsSample
const { release, member } = factsSample
const said = (more: Partial<Report>): Partial<DeviceFacts> => ({ report: { ...report, ...more } })
const turn = (is: 'waiting' | 'held', reason: string) => ({ release: 12, wave: 2, is, reason })
const nobody = { names: [], count: 0 }
const broke = (code: string) => ({ code, message: 'kiosk.service failed' })

/** What leads to each verdict, and words that its paragraph and its next step must have. */
const cases: Record<VerdictCode, [Partial<DeviceFacts>, text: RegExp, next: RegExp | null]> = {
  runs: [said({ running: top, release: 12 }), /^kiosk-3 runs release 12, as it should\.$/, null],
  'runs-degraded': [
    said({ running: top, release: 12, health: { state: 'degraded', units: ['ntp.service'] } }),
    /degraded: ntp\.service/,
    /thymesh logs kiosk-3/,
  ],
  'runs-with-error': [
    said({ running: top, release: 12, error: broke('store-damaged') }),
    /as it should\. It reports: kiosk\.service failed/,
    /nix-store --repair-path/,
  ],
  'no-release': [{ release: null, report: null }, /ada knows no release/, /thymesh deploy/],
  'not-named': [{ release: { ...release, wanted: null } }, /does not name kiosk-3/, /devices\/kiosk-3\.json/],
  'not-joined': [{ member: null, report: null }, /no device of this name has joined/, /thymesh token --names kiosk-3/],
  revoked: [
    { member: null, report: null, revoked: { at: earlier, reason: 'stolen' } },
    /revoked .*\(stolen\)/,
    /join again/,
  ],
  'certificate-ended': [
    { member: { ...member, valid: false, hasEnded: true, expires: '2026-01-29T12:00:00Z' } },
    /ended on 2026-01-29T12:00:00Z, 2 days ago/,
    /thymesh members renew kiosk-3/,
  ],
  'no-member': [{ member: { ...member, valid: false } }, /no member any more/, /join again/],
  'no-report': [{ report: null }, /no report of it has come to ada/, /bundle write FILE --for north/],
  'not-heard': [
    {
      ...said({ knowsRelease: false, at: '2026-01-19T12:00:00Z' }),
      wave: { number: 2, of: 3, is: 'waiting', reason: 'wave 1 has 1 of 3 confirmed, soak ends in 3 h' },
      window: { of: 'updates', opens: '2026-02-01T02:30:00Z' },
    },
    /runs release 11\. Its last report \(12 days ago\) does not speak of release 12\. It is not connected.*wave 2 waits: .*3 h\. Its maintenance window opens in 15 h \(2026-02-01T02:30:00Z\)\. It then lacks 120\.0 MB\. kiosk-1, kiosk-2 have all of it\.$/,
    /bundle write FILE --for north/,
  ],
  equivocation: [{ equivocation: true }, /Two different documents of one version/, /deploy/],
  'first-release': [
    said({ state: 'waiting', running: null, release: null, wanted: 12 }),
    /^kiosk-3 knows release 12, and begins/,
    /Wait/,
  ],
  begins: [said({}), /runs release 11\. It knows release 12, and begins/, /Wait/],
  fetching: [
    said({ state: 'fetching', wanted: 12, update: { ...update, bytesPerSecond: 1_000_000, secondsLeft: 100 } }),
    /fetches release 12: 20\.0 MB of 120\.0 MB are here\. Chunks come with 1\.0 MB\/s, about 2 min are left/,
    /Nothing/,
  ],
  'nobody-has-it': [
    { ...said({ state: 'fetching', wanted: 12, update }), holders: nobody },
    /100\.0 MB are missing, and no device has all of it/,
    /thymesh serve.*bundle write FILE --for north/,
  ],
  'waits-for-uplink': [
    {
      ...said({ state: 'fetching', wanted: 12, update }),
      uplink: { bytesPerDay: 50_000_000, spent: 49_000_000, open: true, opens: null },
    },
    /The uplink of north has used 49\.0 MB of 50\.0 MB today/,
    /bundle write FILE --for north/,
  ],
  'waits-for-wave': [
    {
      ...said({ turn: turn('waiting', 'as it knew'), update: { ...update, pathsDone: 9 } }),
      wave: { number: 2, of: 3, is: 'waiting', reason: 'wave 1 has 1 of 3 confirmed' },
    },
    /It has all of it already\. It is in wave 2, which waits: wave 1 has 1 of 3 confirmed/,
    /thymesh rollout/,
  ],
  'held-by-failures': [
    said({ turn: turn('held', 'wave 1 has 1 of 3 failed: kiosk-1') }),
    /Wave 2 is held by failures/,
    /promote --wave 2/,
  ],
  'waits-for-reboot': [
    {
      ...said({ turn: turn('waiting', 'needs a reboot'), awaitsReboot: 'the kernel changes' }),
      wave: { number: 2, of: 3, is: 'open', reason: '' },
      window: { of: 'reboots', opens: '2026-01-31T13:00:00Z' },
    },
    /has to reboot for it: the kernel changes\. Its window for reboots opens in 1 h/,
    /it reboots then/,
  ],
  'waits-for-window': [
    {
      ...said({ turn: turn('waiting', 'the maintenance window opens in 1 h') }),
      wave: { number: 2, of: 3, is: 'open', reason: '' },
      window: { of: 'updates', opens: '2026-01-31T13:00:00Z' },
    },
    /maintenance window opens in 1 h/,
    /begins then/,
  ],
  'at-work': [said({ state: 'probing', wanted: 12 }), /health checks are at work/, /thymesh logs kiosk-3/],
  'on-trial': [
    said({ state: 'held', running: top, release: 12, health: { state: 'degraded', units: ['ntp.service'] } }),
    /on trial: ntp\.service failed/,
    /deploy a fix/,
  ],
  'rolling-back': [
    said({ state: 'rolling-back', wanted: 12, error: broke('health-failed') }),
    /goes back to what ran before: kiosk\.service failed/,
    /Wait/,
  ],
  'failed-for-good': [
    said({ state: 'rolled-back', wanted: 12, attempts: 2, error: broke('health-failed') }),
    /failed with release 12 after 2 attempts and went back .*: kiosk\.service failed\. .*will not try this release again/,
    /thymesh logs kiosk-3 --activation/,
  ],
  'tries-again': [
    said({ state: 'failed', wanted: 12, error: { code: 'disk-full', message: '120 MB are missing' } }),
    /120 MB are missing.*tries again by itself \(reported 1 h ago\)/,
    /nix-collect-garbage/,
  ],
}

describe('verdicts', () => {
  for (const [code, [more, text, next]] of Object.entries(cases)) {
    it(`says ${code}`, () => {
      const given = deviceFactsSchema.parse({ ...facts, ...more })
      const verdict = verdictOf(given)
      assert.equal(verdict.code, code, verdict.text)
      assert.match(verdict.text, text)
      if (next === null) assert.equal(verdict.next, null)
      else assert.match(verdict.next ?? '', next)
      assert.equal(verdict.fine, code === 'runs')
      assert.equal(verdict.next === null, verdict.fine, 'a next step, unless all is well')
      assert.doesNotMatch(verdict.text, /null|undefined|NaN|\.\.|^ | {2}/)
    })
  }

  it('has one for each state of a device, with and without all that a report may say', () => {
    const states: Record<DeviceState, VerdictCode> = {
      waiting: 'first-release',
      running: 'begins',
      fetching: 'fetching',
      preflight: 'at-work',
      activating: 'at-work',
      testing: 'at-work',
      probing: 'at-work',
      confirming: 'at-work',
      committing: 'at-work',
      held: 'on-trial',
      'rolling-back': 'rolling-back',
      'rolled-back': 'tries-again',
      failed: 'tries-again',
    }
    for (const [state, code] of Object.entries(states)) {
      const bare = {
        ...facts,
        now: null,
        ...said({ state: state as DeviceState, at: null, running: null, release: null }),
      }
      assert.equal(verdictOf(bare).code, code, state)
      assert.doesNotMatch(verdictOf(bare).text, /null|undefined|NaN/)
    }
  })

  it('has a next step for each error after which a device does not try again', () => {
    for (const code of finalUpdateErrors) {
      const { code: verdict, next } = verdictOf({
        ...facts,
        ...said({ state: 'failed', wanted: 12, error: broke(code) }),
      })
      assert.equal(verdict, 'failed-for-good', code)
      assert.doesNotMatch(next ?? '', /Read the log on the device: journalctl/, code)
    }
  })

  it('says what to install where a program is missing, and that the device goes on then', () => {
    const error = {
      code: 'missing-program',
      message: 'this machine lacks podman (for the module containers): apt install podman',
    }
    const { code, text, next } = verdictOf({ ...facts, ...said({ state: 'failed', wanted: 12, error }) })
    assert.equal(code, 'tries-again')
    assert.match(text, /apt install podman/)
    assert.match(next ?? '', /Install on the device what the message names/)
  })

  it('says what is odd beside it: two of one name, a clock ahead, old news, expired metadata', () => {
    const text = (more: Partial<DeviceFacts>) => verdictOf({ ...facts, ...more }).text
    assert.match(text({ member: { ...member, others: 1 } }), /Another peer has the name kiosk-3/)
    assert.match(text(said({ at: '2026-02-02T12:00:00Z' })), /of a time to come/)
    assert.match(text(said({ at: '2026-01-29T12:00:00Z' })), /what it said 2 days ago/)
    assert.match(text(said({ freshness: 'expired' })), /its metadata has expired/)
  })

  it('tells by which way a device is connected that should have heard of a release', () => {
    const near = { ...facts, ...said({ knowsRelease: false }), connected: true }
    const text = (way: DeviceFacts['way']) => verdictOf({ ...near, way }).text
    assert.match(text({ kind: 'relayed', hub: 'hub-1' }), /connected to ada \(by hub-1\), and should/)
    assert.match(text(null), /connected to ada, and should/)
  })

  it('tells what a device waits for that has to reboot', () => {
    const waits = said({ turn: turn('waiting', 'needs a reboot'), awaitsReboot: 'the kernel changes' })
    const wave = { number: 2, of: 3, is: 'open', reason: '' } as const
    const verdict = (more: Partial<DeviceFacts>) => verdictOf({ ...facts, ...waits, wave, window: null, ...more })
    assert.match(verdict({}).text, /It reboots in a moment/)
    const never = verdict({ window: { of: 'reboots', opens: null } })
    assert.match(never.text, /window for reboots never opens/)
    assert.match(never.next ?? '', /reboot/)
    assert.equal(verdict({ wave: { ...wave, is: 'waiting', reason: 'soak' } }).code, 'waits-for-wave')
  })

  it('names what a device itself can do', () => {
    const own: Partial<DeviceFacts> = { asked: { name: 'kiosk-3', role: 'device' }, connected: true, neighbours: 0 }
    const { next } = verdictOf({ ...facts, ...own, release: null, report: null })
    assert.match(next ?? '', /bundle take/)
    const alone = verdictOf({ ...facts, ...own, ...said({ state: 'fetching', wanted: 12, update }), holders: nobody })
    assert.match(alone.next ?? '', /bundle take/)
  })
})
