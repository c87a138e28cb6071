/** Whatever the documents of others say, no answer steers the terminal, and no field begins a line of it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { visibleJson } from '../../protocol/encoding/visible.ts'
import { answerSamples } from '../../test/helpers/answer-samples.ts'
import { hostileTexts, steers, withEachText } from '../../test/helpers/hostile-text.ts'
import type { Question } from './question.ts'
import { questions } from './questions.ts'

/** One hostile field of 10 kB may not make an answer much longer than what is shown of it. */
const mostCharacters = 40_000

const names = Object.keys(answerSamples) as (keyof typeof answerSamples)[]

describe('every text in every answer', () => {
  for (const name of names) {
    it(`of ${name} is shown visibly, in its own line`, async () => {
      const question = questions[name] as unknown as Question
      const shown = async (json: unknown) => ({ json, text: await question.text(json) })
      const sample = answerSamples[name]
      const honest = (await shown(sample)).text
      assert.ok(!steers(honest), honest)
      for (const [kind, hostile] of Object.entries(hostileTexts)) {
        for (const { place, data } of withEachText(sample, hostile)) {
          const { json, text } = await shown(data)
          const where = `${name}${place}, ${kind}`
          assert.ok(!steers(text), `${where}: ${text}`)
          assert.ok(!steers(visibleJson(json)), `${where} with --json`)
          assert.deepEqual(JSON.parse(visibleJson(json)), JSON.parse(JSON.stringify(json)), where)
          assert.ok(text.length < mostCharacters, `${where}: ${text.length} characters`)
          const forged = text.split('\n').find(line => /^(?:ALARM: this line is forged|No devices)/.test(line))
          assert.equal(forged, undefined, where)
        }
      }
    })
  }
})
