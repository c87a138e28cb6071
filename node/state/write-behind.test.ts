/** Writes behind: few and large, the latest value of each key, and nothing after its deletion. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { silentLogger } from '../../test/helpers/log.ts'
import { WriteBehind } from './write-behind.ts'

const delayMs = 60_000
const value = (byte: number) => Uint8Array.of(byte)
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

function scene(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const table = {
    writes: [] as [string, number | undefined][][],
    fails: false,
    async putAll(values: ReadonlyMap<string, Uint8Array>) {
      if (table.fails) throw new Error('no space left on device')
      table.writes.push([...values].map(([key, bytes]) => [key, bytes[0]]))
    },
    async delete(key: string) {
      table.writes.push([[key, undefined]])
    },
  }
  const behind = new WriteBehind({ table, log: silentLogger }, { delayMs })
  const pass = async () => {
    t.mock.timers.tick(delayMs)
    await settled()
  }
  return { table, behind, pass }
}

describe('WriteBehind', () => {
  it('writes the latest values once', async t => {
    const { table, behind, pass } = scene(t)
    for (let each = 0; each < 100; each++) behind.put('a', value(each))
    behind.put('b', value(7))
    await settled()
    assert.deepEqual(table.writes, [])
    await pass()
    assert.deepEqual(table.writes, [
      [
        ['a', 99],
        ['b', 7],
      ],
    ])
    await pass()
    assert.equal(table.writes.length, 1)
    behind.put('a', value(1))
    await pass()
    assert.deepEqual(table.writes[1], [['a', 1]])
  })

  it('deletes at once, and writes nothing afterwards', async t => {
    const { table, behind, pass } = scene(t)
    behind.put('a', value(1))
    await behind.delete('a')
    await pass()
    assert.deepEqual(table.writes, [[['a', undefined]]])
  })

  it('writes what is left when it stops', async t => {
    const { table, behind } = scene(t)
    behind.put('a', value(1))
    await behind.stop()
    assert.deepEqual(table.writes, [[['a', 1]]])
  })

  it('keeps what could not be written, unless something newer came', async t => {
    const { table, behind, pass } = scene(t)
    table.fails = true
    behind.put('a', value(1))
    behind.put('b', value(1))
    await pass()
    table.fails = false
    behind.put('a', value(2))
    await pass()
    assert.deepEqual(
      new Map(table.writes[0]),
      new Map([
        ['a', 2],
        ['b', 1],
      ]),
    )
  })

  it('does not bring back what was deleted while it could not be written', async t => {
    const { table, behind, pass } = scene(t)
    table.fails = true
    behind.put('a', value(1))
    t.mock.timers.tick(delayMs)
    await behind.delete('a')
    table.fails = false
    behind.put('b', value(1))
    await pass()
    assert.deepEqual(table.writes, [[['a', undefined]], [['b', 1]]])
  })
})
