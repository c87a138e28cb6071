/** Tests of who is silent, by name: one look at the members serves any number of names. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Absences, type AbsencesComponents } from './absences.ts'

it('knows which devices are silent by one look at all members', () => {
  let steady = 0
  let looks = 0
  const members = Array.from({ length: 100 }, (_, at) => ({ peer: `peer-${at}`, name: `device-${at}`, role: 'device' }))
  const directory = {
    members: () => {
      looks++
      return [...members, { peer: 'office', name: 'device-200', role: 'controller' }]
    },
    member: () => undefined,
  }
  const absences = new Absences({
    ...{ fleet: 'f', own: { peer: 'peer-1' }, directory, releaseOf: () => undefined, book: undefined },
    ...{ isConnected: (peer: string) => peer === 'peer-2', clock: { now: undefined }, steady: () => steady },
  } as unknown as AbsencesComponents)
  steady = 5000
  absences.heard('peer-3')
  steady = 9000
  const isSilent = absences.silentFor(6000)
  const silent = Array.from({ length: 100 }, (_, at) => at).filter(at => isSilent(`device-${at}`))
  assert.equal(looks, 1)
  assert.deepEqual(
    silent,
    Array.from({ length: 100 }, (_, at) => at).filter(at => ![1, 2, 3].includes(at)),
  )
  assert.ok(isSilent('nobody'))
  assert.ok(isSilent('device-200'), 'a controller of that name is no device')
})
