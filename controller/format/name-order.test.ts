/** Tests of the order of names: by numbers in them, also for names that come later. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sortedByName } from './name-order.ts'

it('rows are sorted as people count, those of one name as they came, and names that come later between them', () => {
  const sorted = (...names: string[]) =>
    sortedByName(
      names.map((name, at) => ({ name, at })),
      ({ name }) => name,
    ).map(({ name, at }) => `${name}/${at}`)
  assert.deepEqual(sorted('d-10', 'd-2', 'd-2', 'a'), ['a/3', 'd-2/1', 'd-2/2', 'd-10/0'])
  assert.deepEqual(sorted('d-10', 'd-3', 'd-2'), ['d-2/2', 'd-3/1', 'd-10/0'])
})
