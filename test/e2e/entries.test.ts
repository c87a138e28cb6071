/** Entries of the project from the command line: what a module asks for is given with it, and what Git lacks is named. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'

const sign = `{
  settings.url = { type = "string"; required = true; };
  settings.zoom = { type = "int"; default = 100; };
  portable = { settings, ... }: { etc."sign".text = settings.url; };
}
`

describe('entries', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  it('with a module that Git does not know are refused, with what to do', async () => {
    await fleet.write({ 'modules/sign.nix': sign })
    const error = await fleet.error('config', 'set', 'hello', 'sign.url', 'https://example.org')
    assert.match(error.message, /modules\/sign is not in Git, so Nix can't see it: git add modules/)
  })

  it('are added with the settings that their modules ask for, or not at all', async () => {
    await fleet.commit('A module', { 'modules/sign.nix': sign })
    const missing = await fleet.error('config', 'add', 'lobby', '--module', 'sign')
    assert.match(missing.message, /url/)
    assert.equal(existsSync(join(fleet.project, 'configs/lobby.json')), false)
    const wrong = await fleet.error('config', 'add', 'lobby', '--module', 'sign', '--set', 'sign.url')
    assert.equal(wrong.code, 'usage')
    const set = ['--set', 'sign.url=https://example.org/?a=b', '--set', 'sign.zoom=150']
    await fleet.json('config', 'add', 'lobby', '--module', 'sign', ...set)
    const { content } = await fleet.json<{ content: { modules: object } }>('config', 'show', 'lobby')
    assert.deepEqual(content.modules, { sign: { url: 'https://example.org/?a=b', zoom: 150 } })
  })
})
