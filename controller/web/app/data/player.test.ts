/** The player of recordings: what is on the screen at which position, however one gets there. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Player } from './player.ts'

/** A screen that shows letters; time goes on by `pass` only. */
function scene(t: TestContext, shown = 'abcdefghij') {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  let screen = ''
  const reset = () => {
    screen = ''
  }
  const write = async (text: string) => {
    screen += text
  }
  const parts = [...shown].map((text, at) => ({ at, text }))
  const player = new Player(
    parts,
    { reset, write },
    () => {},
    () => now,
  )
  const settled = async () => {
    for (let each = 0; each < 5; each++) await turn()
  }
  const pass = async (seconds: number) => {
    for (let each = 0; each < seconds * 10; each++) {
      now += 100
      t.mock.timers.tick(100)
      await settled()
    }
  }
  return { player, pass, settled, screen: () => screen }
}

describe('the player of recordings', () => {
  it('plays, pauses, and goes on where it was', async t => {
    const { player, pass, screen } = scene(t)
    player.play()
    await pass(2.5)
    assert.deepEqual([screen(), player.position, player.playing], ['abc', 2.5, true])
    player.pause()
    await pass(5)
    assert.deepEqual([screen(), player.position, player.playing], ['abc', 2.5, false])
    player.play()
    await pass(1)
    assert.equal(screen(), 'abcd')
  })

  it('seeks both ways, and faster', async t => {
    const { player, pass, settled, screen } = scene(t)
    player.seek(7.5)
    await settled()
    assert.deepEqual([screen(), player.playing], ['abcdefgh', false])
    player.seek(1)
    await settled()
    assert.equal(screen(), 'ab')
    player.play()
    player.speed = 4
    await pass(1)
    assert.equal(screen(), 'abcdef')
    player.seek(100)
    await pass(1)
    assert.deepEqual([screen(), player.position, player.playing], ['abcdefghij', 9, false])
  })

  it('begins anew after its end, and shows nothing once it is left', async t => {
    const { player, pass, settled, screen } = scene(t, 'ab')
    player.play()
    await pass(2)
    assert.deepEqual([screen(), player.playing], ['ab', false])
    player.play()
    await settled()
    assert.equal(screen(), 'a')
    player.end()
    await pass(2)
    assert.equal(screen(), 'a')
  })

  it('shows a seek that comes while it is still writing', async t => {
    const held: (() => void)[] = []
    let screen = ''
    const write = (text: string) =>
      new Promise<void>(resolve => {
        screen += text
        held.push(resolve)
      })
    const reset = () => {
      screen = ''
    }
    const parts = [...'abcd'].map((text, at) => ({ at, text }))
    const player = new Player(parts, { reset, write }, () => {})
    t.after(() => player.end())
    player.seek(3)
    player.seek(1)
    player.seek(2)
    assert.equal(screen, 'abcd')
    held.shift()?.()
    await turn()
    assert.equal(screen, 'abc')
    held.shift()?.()
    await turn()
    assert.equal(held.length, 0)
  })
})
