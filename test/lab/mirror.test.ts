/** apt sources in both formats, and the choice of a mirror among them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mirrorFor, parseDeb822, parseOneLine } from './mirror.ts'

const main = { uri: 'http://mirror.test/debian', suite: 'bookworm', components: ['main'] }

test('one-line sources are read, options and comments passed over', () => {
  const text = [
    '# deb http://commented.test/debian bookworm main',
    'deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm main contrib # note',
    'deb-src http://mirror.test/debian bookworm main',
  ].join('\n')
  assert.deepEqual(parseOneLine(text), [{ ...main, components: ['main', 'contrib'] }])
})

test('deb822 sources are read: several suites, comments, folded and disabled stanzas', () => {
  const text = [
    'Types: deb deb-src',
    '# a comment inside',
    'URIs: http://mirror.test/debian',
    'Suites: bookworm',
    '  bookworm-updates',
    'Components: main',
    '',
    'Types: deb',
    'Enabled: no',
    'URIs: http://off.test/debian',
    'Suites: bookworm',
    'Components: main',
  ].join('\n')
  assert.deepEqual(parseDeb822(text), [main, { ...main, suite: 'bookworm-updates' }])
})

test("the suite's own mirror is taken, else that of the machine's suite, else it says what to set", () => {
  const vendor = { uri: 'https://vendor.test', suite: 'bookworm', components: ['nightly'] }
  const trixie = { ...main, uri: 'http://trixie.test/debian', suite: 'trixie' }
  assert.equal(mirrorFor('bookworm', [vendor, trixie, main], 'trixie'), main.uri)
  assert.equal(mirrorFor('bookworm', [vendor, trixie], 'trixie'), trixie.uri)
  assert.throws(() => mirrorFor('bookworm', [vendor], undefined), { code: 'lab-missing' })
})
