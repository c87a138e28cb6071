/** Fair places: nobody loses one without need, and no crowd keeps others out. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { AbortRace } from './abort-race.ts'
import { FairPlaces, type FairPlacesInit, type Place, type Subject } from './fair-places.ts'

const always = new AbortRace(new AbortController().signal)
const alone = (peer: string): Subject => ({ peer, group: peer })
const crowd = (peer: string): Subject => ({ peer, group: 'token' })
const nothing = () => {}

/** Places by the clock of the runner. */
function placesOf(t: TestContext, init: Partial<FairPlacesInit> = {}): FairPlaces {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  return new FairPlaces({ places: 3, idleMs: 1_000, turnMs: 10_000, now: Date.now, ...init })
}

/** Whether a promise has settled, after all that is due now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.then(
    () => {
      done = true
    },
    () => {},
  )
  await new Promise(resolve => setImmediate(resolve))
  return done
}

describe('FairPlaces', () => {
  it('gives all places to one subject while nobody else wants any', t => {
    const places = placesOf(t)
    const held = [1, 2, 3].map(() => places.enter(alone('a'), nothing))
    assert.ok(held.every(Boolean))
    assert.equal(places.enter(alone('a'), nothing), undefined)
    held[0]?.leave()
    held[0]?.leave()
    assert.equal(places.taken, 2)
    assert.ok(places.enter(alone('a'), nothing))
  })

  it('takes an idle place back for a subject that has fewer, and none that is used', t => {
    const places = placesOf(t)
    const taken: number[] = []
    const held = [0, 1, 2].map(at => places.enter(alone('a'), () => taken.push(at)))
    assert.equal(places.enter(alone('b'), nothing), undefined)
    t.mock.timers.tick(900)
    held[0]?.touch()
    held[2]?.touch()
    t.mock.timers.tick(100)
    assert.ok(places.enter(alone('b'), nothing))
    assert.deepEqual(taken, [1])
    assert.equal(places.enter(alone('c'), nothing), undefined)
  })

  it('counts no place as idle while work is done for its subject', async t => {
    const places = placesOf(t, { places: 1 })
    const place = places.enter(alone('a'), nothing)
    const work = Promise.withResolvers<number>()
    const done = place?.during(work.promise)
    t.mock.timers.tick(60_000)
    assert.equal(places.enter(alone('b'), nothing), undefined)
    work.resolve(7)
    assert.equal(await done, 7)
    t.mock.timers.tick(999)
    assert.equal(places.enter(alone('b'), nothing), undefined)
    t.mock.timers.tick(1)
    assert.ok(places.enter(alone('b'), nothing))
  })

  it('ends turns of the group with the most, not of one that has as few', async t => {
    const places = placesOf(t)
    const taken: string[] = []
    const enter = (subject: Subject) => places.enter(subject, () => taken.push(subject.peer))
    const held = [enter(crowd('x')), enter(crowd('y')), enter(alone('a'))]
    const waiting = places.wait(alone('b'), nothing, always)
    for (let tenth = 0; tenth < 99; tenth++) {
      t.mock.timers.tick(100)
      for (const place of held) place?.touch()
    }
    assert.equal(await settled(waiting), false)
    t.mock.timers.tick(100)
    const theirs = await waiting
    assert.equal(taken.length, 1)
    assert.notEqual(taken[0], 'a')
    t.mock.timers.tick(60_000)
    for (const place of [...held, theirs]) place?.touch()
    assert.equal(places.enter(alone('c'), nothing), undefined)
  })

  it('serves the group with the fewest first, whenever it came', async t => {
    const places = placesOf(t)
    const first = places.enter(crowd('x'), nothing)
    places.enter(crowd('z'), nothing)
    places.enter(alone('a'), nothing)
    const order: string[] = []
    const wait = (subject: Subject) => places.wait(subject, nothing, always).then(() => order.push(subject.peer))
    void wait(crowd('y'))
    void wait(alone('a'))
    void wait(alone('b'))
    first?.leave()
    await settled(Promise.resolve())
    assert.deepEqual(order, ['b'])
  })

  it('gives operators their first place at once, and takes nothing from this process', t => {
    const places = placesOf(t)
    for (const peer of ['a', 'b']) places.enter(alone(peer), nothing)
    places.claim({ ...alone('self'), own: true }, () => assert.fail('it was taken back'))
    const operator = { ...alone('operator'), first: true }
    assert.ok(places.enter(operator, nothing))
    assert.equal(places.enter(operator, nothing), undefined)
    assert.ok(places.enter({ ...alone('another'), first: true }, nothing))
    assert.equal(places.enter({ ...alone('third'), first: true }, nothing), undefined)
  })

  it('counts a shared place for those who use it, and takes one that nobody uses first', t => {
    const places = placesOf(t)
    const taken: string[] = []
    const share = (name: string, users: Subject[]) =>
      places.claim(alone('self'), () => taken.push(name), { subjects: () => users, usedAt: () => Date.now() })
    const unused: Subject[] = [crowd('x')]
    share('shared', [crowd('x'), alone('a')])
    share('crowded', [crowd('x'), crowd('y')])
    share('unused', unused)
    t.mock.timers.tick(10_000)
    unused.pop()
    assert.ok(places.enter(alone('b'), nothing))
    assert.ok(places.enter(alone('c'), nothing))
    assert.equal(places.enter(alone('d'), nothing), undefined)
    assert.deepEqual(taken, ['unused', 'crowded'])
  })

  it('refuses what is beyond the places of one peer, waiting ones included', async t => {
    const places = placesOf(t, { places: 1, perPeer: 2 })
    const leaving = new AbortController()
    places.enter(alone('a'), nothing)
    const waiting = places.wait(alone('a'), nothing, new AbortRace(leaving.signal))
    assert.equal(await places.wait(alone('a'), nothing, always), undefined)
    leaving.abort(new Error('gone'))
    await assert.rejects(waiting, /gone/)
    assert.equal(await settled(places.wait(alone('a'), nothing, always)), false)
  })

  it('loses no place to a subject that leaves in the moment of the grant', async t => {
    const places = placesOf(t, { places: 1 })
    const held = places.enter(alone('a'), nothing)
    const leaving = new AbortController()
    const left = places.wait(alone('b'), nothing, new AbortRace(leaving.signal))
    leaving.abort(new Error('gone'))
    held?.leave()
    await assert.rejects(left, /gone/)
    await settled(Promise.resolve())
    assert.equal(places.taken, 0)
  })
})

describe('a subject among hostile ones of one group', () => {
  type Step = { act: 'enter' | 'wait' | 'touch' | 'leave' | 'tick'; peer: number }
  const step: fc.Arbitrary<Step> = fc.record({
    act: fc.constantFrom('enter', 'wait', 'touch', 'leave', 'tick'),
    peer: fc.nat(9),
  })

  it('has a place by the second grant after it asks, whatever they do', async t => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const scene = fc.record({
      places: fc.integer({ min: 2, max: 6 }),
      before: fc.array(step, { maxLength: 60 }),
      after: fc.array(step, { maxLength: 60 }),
    })
    await fc.assert(
      fc.asyncProperty(scene, async ({ places: most, before, after }) => {
        const turnMs = 10_000
        const places = new FairPlaces({ places: most, perPeer: 4, idleMs: 1_000, turnMs, now: Date.now })
        const held: Place[] = []
        const stop = new AbortController()
        const race = new AbortRace(stop.signal)
        let grants = 0
        const keep = (place: Place | undefined) => {
          if (place === undefined) return
          grants++
          held.push(place)
        }
        const act = async ({ act, peer }: Step) => {
          if (act === 'enter') keep(places.enter(crowd(`${peer}`), nothing))
          else if (act === 'wait') void places.wait(crowd(`${peer}`), nothing, race).then(keep, nothing)
          else if (act === 'touch') held[peer]?.touch()
          else if (act === 'leave') held[peer]?.leave()
          else t.mock.timers.tick(100 * peer)
          // Until whoever was granted a place has heard of it.
          await new Promise(resolve => setImmediate(resolve))
          assert.ok(places.taken <= most)
        }
        for (const each of before) await act(each)
        let mine: Place | undefined
        grants = 0
        void places
          .wait(alone('honest'), () => assert.fail('its place was taken back'), race)
          .then(place => {
            mine = place
          }, nothing)
        for (const each of after) {
          await act(each)
          if (mine === undefined) assert.ok(grants <= 1, `${grants} grants went to others`)
        }
        // In time, too: by the end of one turn.
        t.mock.timers.tick(turnMs)
        await new Promise(resolve => setImmediate(resolve))
        assert.ok(mine)
        stop.abort(new Error('the scene ends'))
      }),
      { numRuns: 300 },
    )
  })
})
