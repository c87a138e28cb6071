/** Tests of the command that an advice names: what is copied can be run, whatever stands around it and in both languages. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureCodes } from '../../../../node/activation/journal-entry.ts'
import { finalUpdateErrors, standingUpdateErrors } from '../../../../protocol/report/report.ts'
import { factsSample } from '../../../../test/helpers/facts-sample.ts'
import { whySchema } from '../../../api/schemas/why.ts'
import { hintFor } from '../../../format/hints.ts'
import { commandIn } from './command-in.ts'
import { germanError } from './german-error.ts'
import { germanVerdict } from './german-verdict.ts'

describe('the command in an advice', () => {
  it('is without the words around it', () => {
    const expected = {
      'Make a token with `thymesh token --names hall`, and start the device with it.': 'thymesh token --names hall',
      'Read the log (thymesh logs hall), and repair it or deploy a fix.': 'thymesh logs hall',
      'Read the log: thymesh logs hall --activation. Fix the config and deploy again.':
        'thymesh logs hall --activation',
      'Make one: thymesh deploy': 'thymesh deploy',
      'Sign a new one: thymesh members renew hall. It comes by the mesh.': 'thymesh members renew hall',
      'Deploy again.': undefined,
    }
    for (const [advice, command] of Object.entries(expected)) assert.equal(commandIn(advice), command, advice)
  })

  it('can be run, as each verdict and each error of an update have it', () => {
    const codes = [...failureCodes, ...finalUpdateErrors, ...standingUpdateErrors, 'signature-refused']
    const written = { bytes: String, duration: String, moment: String }
    const turn = { release: 12, wave: 2, is: 'held' as const, reason: 'wave 1 has 1 of 6 failed: hall' }
    const facts = { ...factsSample, report: { ...factsSample.report, turn } }
    const advices = [
      ...codes.flatMap(code => [hintFor(code), germanError(code, 'kiosk-3')?.hint]),
      ...whySchema.shape.verdict.options.map(verdict => germanVerdict({ verdict, facts }, written).next),
    ]
    for (const advice of advices) {
      if (!advice?.includes('thymesh ')) continue
      const line = /^thymesh(?: (?:--?)?[a-z0-9-]+| [A-Z]+)+$/
      assert.match(commandIn(advice) ?? '', line, advice)
    }
  })
})
