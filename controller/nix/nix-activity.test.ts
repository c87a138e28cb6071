/** Tests of what Nix tells: recorded lines of a build and of a download, and lines that are none. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NixActivity } from './nix-activity.ts'

const drv = '/nix/store/ynla80411nsgxqchjrgfgq77k1vqsmvq-slow-thing.drv'
const line = (event: object) => `@nix ${JSON.stringify(event)}`

describe('what Nix tells', () => {
  it('is how many derivations are built, and which are at work', () => {
    const nix = new NixActivity()
    nix.take(line({ action: 'start', id: 1, level: 0, text: '', type: 104 }))
    nix.take(line({ action: 'result', fields: [2, 5, 0, 0], id: 1, type: 105 }))
    const building = { action: 'start', fields: [drv, '', 1, 1], id: 2, level: 3, text: `building '${drv}'`, type: 105 }
    assert.deepEqual(nix.take(line(building)), [`building '${drv}'`])
    assert.deepEqual(nix.take(line({ action: 'result', fields: ['buildPhase'], id: 2, type: 104 })), [])
    assert.deepEqual(nix.progress, { done: 2, of: 5, unit: 'items', names: ['slow-thing (buildPhase)'] })
    const said = nix.take(line({ action: 'result', fields: ['\u001b[1mcc\u001b[0m -c x.c'], id: 2, type: 101 }))
    assert.deepEqual(said, ['slow-thing> cc -c x.c'])
    nix.take(line({ action: 'stop', id: 2 }))
    assert.deepEqual([nix.running, nix.progress?.names], [[], []])
  })

  it('is how many bytes are here, also of what has ended', () => {
    const nix = new NixActivity()
    const start = (id: number, url: string) =>
      nix.take(line({ action: 'start', fields: [url], id, level: 4, text: '', type: 101 }))
    start(1, 'https://cache/nar/a.nar.xz')
    nix.take(line({ action: 'result', fields: [100, 100, 0, 0], id: 1, type: 105 }))
    nix.take(line({ action: 'stop', id: 1 }))
    start(2, 'https://cache/nar/b.nar.xz')
    nix.take(line({ action: 'result', fields: [30, 400, 0, 0], id: 2, type: 105 }))
    assert.deepEqual(nix.progress, { done: 130, of: 500, unit: 'bytes', names: [] })
  })

  it('is a tree: what is not shown itself leads to what is', () => {
    const nix = new NixActivity()
    const start = (id: number, parent: number, type: number, field: string) =>
      nix.take(line({ action: 'start', id, parent, type, level: 4, text: '', fields: [field] }))
    start(1, 0, 100, '/nix/store/ynla80411nsgxqchjrgfgq77k1vqsmvq-openssl-3.1')
    start(2, 1, 999, 'something that is not shown')
    start(3, 2, 101, 'https://cache/nar/a.nar.xz')
    start(4, 77, 105, drv)
    const tree = nix.running.map(({ id, parent, name }) => [id, parent, name])
    assert.deepEqual(tree, [
      [1, 0, 'openssl-3.1'],
      [3, 1, 'a.nar.xz'],
      [4, 0, 'slow-thing'],
    ])
  })

  it('is an error in plain lines', () => {
    const nix = new NixActivity()
    const msg = "\u001b[31;1merror:\u001b[0m builder for 'x' failed\n       last lines"
    assert.deepEqual(nix.take(line({ action: 'msg', level: 0, msg })), [
      "error: builder for 'x' failed",
      '       last lines',
    ])
    assert.deepEqual(nix.take(line({ action: 'msg', level: 5, msg: 'debugging' })), [])
  })

  it('is left as it is where it is no JSON of Nix, and dropped where that is torn or of a newer form', () => {
    const nix = new NixActivity()
    assert.deepEqual(nix.take('a program says something'), ['a program says something'])
    for (const odd of [
      '@nix {',
      '@nix []',
      '@nix null',
      line({ action: 'dance', id: 1 }),
      line({ action: 'stop', id: 'x' }),
    ]) {
      assert.deepEqual(nix.take(odd), [], odd)
    }
    nix.take(line({ action: 'result', id: 99, type: 105, fields: ['x'] }))
    assert.equal(nix.progress, undefined)
  })
})
