/** `thymesh import-thymis`, from a Thymis project to one of ours that is right. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'

const thymis = join(import.meta.dirname, '../../examples/migrate/thymis')

describe('import-thymis', { skip: nixSkip() }, () => {
  it('writes configs and tags that are right, once their secrets are there', async t => {
    const fleet = await Fleet.prepare()
    t.after(() => fleet.remove())
    await fleet.found()
    // Thymis's database has the values of secrets, its project only where they are used.
    const missing = await fleet.error('import-thymis', thymis)
    assert.equal(missing.code, 'secrets-missing')
    assert.match(missing.hint ?? '', /secret add wifi/)
    const names = ['root-password-0b1c2d3e', 'vnc', 'wifi']
    for (const name of names) await fleet.json('secret', 'add', name, '--random')
    const { written, secrets, left } = await fleet.json<{ written: string[]; secrets: string[]; left: string[] }>(
      'import-thymis',
      thymis,
    )
    assert.deepEqual([...written].sort(), ['configs/hall-1.json', 'tags/shop.json'])
    assert.deepEqual(secrets, names)
    assert.ok(left.length > 3)
    const { code, stdout, stderr } = await fleet.run('check')
    assert.equal(code, 0, stdout + stderr)
    assert.equal((await fleet.error('import-thymis', thymis)).code, 'entry-exists')
  })
})
