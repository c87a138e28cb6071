/** Tests of the settings: defaults, and errors that name the key. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ThymeshError } from '../../protocol/errors.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { parseSettings, readSettingsFile } from './settings.ts'

describe('parseSettings', () => {
  it('fills in defaults', () => {
    const settings = parseSettings({}, 'node.json')
    assert.equal(settings.state, '/var/lib/thymesh')
    assert.deepEqual(settings.listen, ['/ip4/0.0.0.0/tcp/4460', '/ip6/::/tcp/4460'])
    assert.deepEqual(settings.bootstrap, [])
    assert.equal(settings.mdns, true)
    assert.equal(settings.dht, 'client')
    assert.equal(settings.clock, 'system')
    assert.equal(settings.log, 'info')
    assert.equal(settings.join, undefined)
  })

  const wrong: [string, unknown, RegExp][] = [
    ['an unknown key', { lisen: [] }, /node\.json: .*lisen/],
    ['an unknown inner key', { join: { token: 't', name: 'kiosk-1', sight: 'north' } }, /join: .*sight/],
    ['a multiaddr that is none', { bootstrap: ['192.168.1.10:4460'] }, /bootstrap\.0: expected a multiaddr such as/],
    ['a relative directory', { state: 'thymesh' }, /state: expected an absolute path/],
    ['a choice that there is not', { dht: 'maybe' }, /dht: .*"client"/],
    ['a wrong type', { mdns: 'yes' }, /mdns: /],
    ['a name that is none', { join: { token: 't', name: 'Kiosk 1' } }, /join\.name: expected a name/],
    ['too many addresses', { listen: Array.from({ length: 17 }, () => '/ip4/127.0.0.1/tcp/0') }, /listen: /],
    ['what is no object', [], /node\.json: /],
  ]
  for (const [what, value, message] of wrong) {
    it(`names ${what}`, () => {
      assert.throws(() => parseSettings(value, 'node.json'), { code: 'invalid', message })
    })
  }

  it('says which keys there are', () => {
    assert.throws(
      () => parseSettings({ lisen: [] }, 'node.json'),
      (thrown: unknown) => thrown instanceof ThymeshError && /listen, bootstrap/.test(thrown.hint ?? ''),
    )
  })
})

describe('readSettingsFile', () => {
  it('reads an object', async t => {
    const file = join(await testDirectory(t), 'node.json')
    await writeFile(file, '{"mdns": false}')
    assert.deepEqual(await readSettingsFile(file), { mdns: false })
  })

  it('names the file that it can not read', async t => {
    const file = join(await testDirectory(t), 'node.json')
    await assert.rejects(readSettingsFile(file), withCode('unreadable'))
    for (const text of ['{', '[]', 'null', '7']) {
      await writeFile(file, text)
      await assert.rejects(readSettingsFile(file), { code: 'invalid', message: /node\.json: expected/ })
    }
  })
})
