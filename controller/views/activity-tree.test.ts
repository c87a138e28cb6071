/** Tests of the tree of what Nix does: many, circles, and parents that are not there. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TaskActivity } from '../api/schemas/task.ts'
import { activityLines } from './activity-tree.ts'

const now = Date.parse('2026-01-31T12:00:00Z')
function build(id: string, parent: string | null, name = id): TaskActivity {
  return { id, parent, name, kind: 'build', phase: null, done: 0, of: 0, started: new Date(now).toISOString() }
}

describe('the tree of what Nix does', () => {
  it('has a few lines, whatever goes on', () => {
    const many = Array.from({ length: 50 }, (_, at) => build(`b${at}`, null))
    const lines = activityLines(many, 79, now)
    assert.deepEqual([lines.length, lines[0], lines.at(-1)], [6, '  b0  0 s', '  and 45 more'])
  })

  it('shows what has a parent that is not there, and ends in circles', () => {
    assert.deepEqual(activityLines([build('a', 'gone')], 79, now), ['  a  0 s'])
    assert.deepEqual(activityLines([build('a', 'b'), build('b', 'a')], 79, now), [])
    assert.ok(activityLines([build('a', 'a')], 79, now).length <= 6)
  })

  it('fits into any width', () => {
    for (const width of [79, 39, 12, 3]) {
      const lines = activityLines(
        [build('a', null, 'a-very-long-name-of-a-derivation-with-a-version-1.2.3')],
        width,
        now,
      )
      assert.ok(
        lines.every(line => line.length <= width),
        lines.join(),
      )
    }
  })
})
