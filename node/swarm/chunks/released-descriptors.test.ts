/** Tests of the fetch of all descriptors: look-ups share one, and a failed one is not tried again at once. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger as log } from '../../../test/helpers/log.ts'
import { ReleasedDescriptors } from './released-descriptors.ts'

test('look-ups at the same time share a fetch, later ones ask anew', async () => {
  let asked = 0
  const come = Promise.withResolvers<void>()
  const closures = {
    describeReleased: async () => {
      asked++
      await come.promise
    },
  }
  const descriptors = new ReleasedDescriptors({ closures, log })
  const both = Promise.all([descriptors.complete(), descriptors.complete()])
  come.resolve()
  await both
  assert.equal(asked, 1)
  await descriptors.complete()
  assert.equal(asked, 2)
})

test('after a failure the next look-ups go on without', async () => {
  let asked = 0
  const closures = {
    describeReleased: async () => {
      asked++
      throw new Error('nobody has it')
    },
  }
  const descriptors = new ReleasedDescriptors({ closures, log })
  await descriptors.complete()
  await descriptors.complete()
  assert.equal(asked, 1)
})
