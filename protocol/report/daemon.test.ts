/** Which daemon a device says that it runs. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Extensions } from '../encoding/extensions.ts'
import { daemonExtension, daemonOf } from './daemon.ts'

describe('the daemon in a report', () => {
  it('is its version and where it comes from', () => {
    const extensions = daemonExtension({ version: '0.2.0', from: 'release' })
    assert.deepEqual(extensions, { daemon: '0.2.0 release' })
    assert.deepEqual(daemonOf({ extensions }), { version: '0.2.0', from: 'release' })
  })

  it('is unknown for older devices, and where it makes no sense', () => {
    for (const daemon of [undefined, 2, '', '0.2.0', '0.2.0 moon', '\u001b[2J release', `1${'0'.repeat(50)} release`]) {
      const extensions: Extensions = daemon === undefined ? {} : { daemon }
      assert.equal(daemonOf({ extensions }), undefined, String(daemon))
    }
  })
})
