/** Modules and fleets read by a newer Nix: what it says is what this machine's says. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { machineMirror } from '../lab/mirror.ts'
import { allModules } from '../nix/all-modules.ts'
import { thisSystem, Workshop } from '../nix/workshop.ts'

const run = promisify(execFile)
const suite = 'sid'
const cached = resolve(import.meta.dirname, `../../.cache/nix/${suite}`)

/** Why it can't run here, or false; CI must not skip. */
async function missing(): Promise<string | false> {
  if (process.env.CI === 'true') return false
  try {
    await run('dpkg-deb', ['--version'])
    machineMirror(suite)
    return false
  } catch {
    return "needs a Debian's apt and dpkg"
  }
}

describe('a newer Nix', { skip: await missing() }, () => {
  before(
    async () => {
      const script = join(import.meta.dirname, '../../scripts/newer-nix')
      await run(script, [cached, suite, machineMirror(suite)], { timeout: 180_000, maxBuffer: 1 << 24 })
    },
    { timeout: 180_000 },
  )

  it('reads the same fleet and the same modules', async t => {
    const said = []
    for (const bin of [undefined, join(cached, 'bin')]) {
      const workshop = new Workshop(bin === undefined ? {} : { bin })
      t.after(() => workshop.remove())
      const project = workshop.project({
        ...allModules.files,
        'configs/all.json': { system: thisSystem, tags: ['t'], modules: allModules.modules },
        'tags/t.json': { modules: { device: { keyMap: 'us' } } },
        'devices/north.json': { config: 'all', modules: { device: { hostName: 'north' } } },
      })
      const values = []
      // One after the other: two first processes of a store disturb each other when they make its database.
      for (const output of ['thymesh.fleet', 'thymesh.modules', 'thymesh.sources', 'thymesh.deviceTypes']) {
        values.push(await workshop.evaluate(project, output))
      }
      said.push(values)
    }
    assert.deepEqual(said[1], said[0])
  })

  it('takes Nix as text, which 2.8 refuses with what to do instead', async t => {
    const workshop = new Workshop({ bin: join(cached, 'bin') })
    t.after(() => workshop.remove())
    const modules = { 'custom-nix': { portable: '{ config, ... }: { etc.greeting.text = config; }' } }
    const project = workshop.project({ 'configs/a.json': { system: thisSystem, modules } })
    assert.match(await workshop.build(project, 'a'), /-thymesh-a$/)
  })
})
