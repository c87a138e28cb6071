/** Inputs that are folders (`path:`), with the newest Nix, which counts them among the URLs that an evaluation may not read. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { missingNewerNix, newerNix } from './newer-nix.ts'

const modules =
  '{ outputs = _: { thymesh = { description = "Shared"; modules.note = { portable = _: { etc.note.text = "a"; }; }; }; }; }\n'

describe('an input that is a folder', { skip: await missingNewerNix() }, () => {
  it('is not taken for the network', { timeout: 900_000 }, async t => {
    const fleet = await Fleet.prepare()
    t.after(() => fleet.remove())
    fleet.env.PATH = `${await newerNix()}:${fleet.env.PATH}`
    // Unpacked elsewhere, it looks for its build hook where it isn't.
    fleet.env.NIX_CONFIG = `${fleet.env.NIX_CONFIG}build-hook =\n`
    await fleet.found()
    const shared = join(fleet.directory, 'shared')
    await mkdir(shared)
    await writeFile(join(shared, 'flake.nix'), modules)
    await fleet.json('input', 'add', 'shared', `path:${shared}`)
    await fleet.commit('Share', { 'configs/noted.json': { modules: { 'shared/note': {} } } })
    const ended = await fleet.run('check')
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  })
})
