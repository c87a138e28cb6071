/** The search of several devices' journals: each is asked once, a few at a time, and one that is away keeps none from being read. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Searched, searchLogs } from './log-search.ts'

it('asks a few at a time, tells what fits, and why one was not read', async () => {
  let asked = 0
  let most = 0
  const ask = async (device: string) => {
    most = Math.max(most, ++asked)
    await Promise.resolve()
    asked--
    if (device === 'away') throw new Error('away is not in reach')
    return [`${device}: an Error`, `${device}: fine`]
  }
  const found: Searched[] = []
  const devices = ['a', 'away', 'b', 'c', 'd']
  await searchLogs(devices, ask, 'error', each => found.push(each), new AbortController().signal)
  assert.ok(most <= 3, String(most))
  assert.deepEqual(found.map(({ device }) => device).sort(), devices)
  assert.deepEqual(found.find(({ device }) => device === 'c')?.lines, ['c: an Error'])
  assert.equal(found.find(({ device }) => device === 'away')?.reason, 'away is not in reach')
})

it('asks nobody any more when it is left', async () => {
  const left = new AbortController()
  const asked: string[] = []
  const ask = async (device: string) => {
    asked.push(device)
    left.abort()
    return []
  }
  await searchLogs(['a', 'b', 'c', 'd', 'e'], ask, undefined, () => assert.fail('it was left'), left.signal)
  assert.ok(asked.length <= 3, asked.join())
})
