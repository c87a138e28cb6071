/** Tests of the published schemas: as fresh as the code, and of the same mind. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { jsonSchema, schemaNames, schemaText } from './json-schemas.ts'

const folder = join(import.meta.dirname, '../../docs/schemas')

describe('the JSON Schemas', () => {
  for (const name of schemaNames) {
    it(`docs/schemas/${name}.json is fresh (thymesh schema --to docs/schemas)`, () => {
      assert.equal(readFileSync(join(folder, `${name}.json`), 'utf8'), schemaText(name))
    })
  }

  it('know no other keys, and let a file name its schema', () => {
    for (const name of schemaNames) {
      const { additionalProperties, properties } = jsonSchema(name)
      assert.equal(additionalProperties, false, name)
      if (name !== 'rollout') assert.ok(Object.hasOwn(properties as object, '$schema'), name)
    }
    assert.deepEqual(jsonSchema('device').required, ['config'])
    assert.deepEqual(jsonSchema('config').required ?? [], [])
  })

  it('say what each key is for', () => {
    const { properties } = jsonSchema('device') as { properties: Record<string, { description?: string }> }
    for (const [key, { description }] of Object.entries(properties)) assert.ok(description, key)
  })
})
