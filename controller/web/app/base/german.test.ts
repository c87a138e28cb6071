/** Tests of the German words for what devices say: nothing that rollouts and updates say is without them, and each verdict names its device. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureCodes } from '../../../../node/activation/journal-entry.ts'
import { type DeviceStatus, evaluateWaves } from '../../../../node/rollout/evaluate-waves.ts'
import { finalUpdateErrors, standingUpdateErrors } from '../../../../protocol/report/report.ts'
import { factsSample } from '../../../../test/helpers/facts-sample.ts'
import { whySchema } from '../../../api/schemas/why.ts'
import { germanError } from './german-error.ts'
import { germanReason } from './german-reason.ts'
import { germanVerdict } from './german-verdict.ts'

describe('German words for what devices say', () => {
  it('has a title and a hint for each way in which an update fails', () => {
    const codes = [...failureCodes, ...finalUpdateErrors, ...standingUpdateErrors]
    const without = codes.filter(code => germanError(code, 'kiosk-3') === undefined)
    assert.deepEqual(without, [])
    assert.match(germanError('health-failed', 'kiosk-3')?.hint ?? '', /thymesh logs kiosk-3 --activation/)
    assert.equal(germanError('constructor', 'kiosk-3'), undefined)
  })

  it('says what rollouts say', () => {
    const wave = {
      number: 1,
      title: '',
      devices: ['a', 'b', 'c', 'd', 'e', 'f'],
      failures: 0,
      absent: 0,
      soakSeconds: 7200,
    }
    const waves = [wave, { ...wave, number: 2, devices: ['self'], failures: 0 }]
    const reasonOf = (outcomes: string, { failures = 0, self = 'self' } = {}) => {
      const news = new Map<string, DeviceStatus>()
      for (const [at, letter] of [...outcomes].entries()) {
        const outcome = ({ c: 'confirmed', f: 'failed', p: 'pending' } as const)[letter as 'c']
        news.set(wave.devices[at] ?? '', { outcome })
      }
      const row = { waves: waves.map(each => ({ ...each, failures })), key: '', promoted: 0, created: new Date(0) }
      return germanReason(evaluateWaves(row, self, news, { steady: 0 }, {}).decision.reason)
    }
    assert.equal(reasonOf('ccppp'), 'Welle 1: 2 von 6 bestätigt')
    assert.equal(reasonOf('ccfpp', { failures: 1 }), 'Welle 1: 2 von 6 bestätigt, 1 gescheitert')
    assert.equal(reasonOf('cccccc'), 'Welle 1: 6 von 6 bestätigt, die Probezeit endet in 2 h')
    assert.equal(reasonOf('fpp'), 'Welle 1: 1 von 6 gescheitert: a')
    assert.equal(
      reasonOf('fffffp', { failures: 1 }),
      'Welle 1: 5 von 6 gescheitert, erlaubt ist eins: a, b, c und 2 weitere',
    )
    assert.equal(reasonOf('', { self: 'a' }), 'die erste Welle')
    assert.equal(
      germanReason('wave 1 has 0 of 2 confirmed; goes on alone in 3 days if nothing is heard of it'),
      'Welle 1: 0 von 2 bestätigt; geht in 3 Tagen allein weiter, wenn nichts davon zu hören ist',
    )
    assert.equal(
      germanReason('needs a reboot (another kernel); the maintenance window opens in 12 min (2026-02-01T02:30:00Z)'),
      'muss neu starten (another kernel); das Wartungsfenster öffnet in 12 min (2026-02-01T02:30:00Z)',
    )
    assert.equal(
      germanReason('wave 2 has devices that are not known here yet: 1 of its shards did not come'),
      'Welle 2 hat Geräte, die hier noch nicht bekannt sind: ein Teil ihrer Liste fehlt',
    )
    assert.equal(germanReason('the window for reboots never opens'), 'das Fenster für Neustarts öffnet nie')
    assert.equal(germanReason('a sentence of another version'), 'a sentence of another version')
  })

  it('has a sentence about the device for each verdict, and a next step where something is wrong', () => {
    const written = { bytes: (count: number) => `${count} B`, duration: String, moment: () => '1. Februar' }
    for (const verdict of whySchema.shape.verdict.options) {
      const { text, next } = germanVerdict({ verdict, facts: factsSample }, written)
      assert.match(text, /kiosk-3|Release 12/, verdict)
      assert.doesNotMatch(text, /undefined|null|NaN|\.\.|:\./, verdict)
      if (['waits-for-wave', 'not-heard', 'nobody-has-it'].includes(verdict)) assert.ok(next, verdict)
    }
    const report = {
      ...{ ...factsSample.report, state: 'rolled-back' as const, attempts: 3 },
      error: { code: 'health-failed', message: 'kiosk.service failed' },
    }
    assert.deepEqual(germanVerdict({ verdict: 'failed-for-good', facts: { ...factsSample, report } }, written), {
      text: 'kiosk-3 ist mit Release 12 nach 3 Versuchen gescheitert und ist zu dem zurückgegangen, was vorher lief: Nach dem Wechsel schlugen Prüfungen fehl. Es führt Release 11 aus. Dieses Release versucht es nicht noch einmal.',
      next: 'Das Protokoll lesen: thymesh logs kiosk-3 --activation. Dann die Config berichtigen und neu deployen.',
    })
  })
})
