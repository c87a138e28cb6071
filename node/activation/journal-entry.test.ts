/** Tests of the journal's text, and of the file that holds it. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { testStorePath } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { Journal } from './journal.ts'
import { activationStates, failureCodes, formatEntry, type JournalEntry, parseEntry } from './journal-entry.ts'

const least: JournalEntry = {
  v: 1,
  state: 'armed',
  id: '7-1',
  release: 7,
  config: 'kiosk',
  target: 'portable',
  new: testStorePath('new'),
  boot: 'a-boot',
  attempt: 1,
  deadline: 700,
  contacts: 2,
  baseline: [],
}

describe('the journal', () => {
  it('is lines that a shell can read', () => {
    const text = formatEntry({ ...least, old: testStorePath('old'), message: 'two\nlines' })
    assert.match(text, /^state=armed$/m)
    assert.match(text, new RegExp(`^old=${testStorePath('old')}$`, 'm'))
    assert.match(text, /^message="two\\nlines"$/m)
  })

  it('is read as it was written, whatever its texts have in them', () => {
    const entry = fc.record({
      state: fc.constantFrom(...activationStates),
      code: fc.constantFrom(...failureCodes),
      message: fc.string({ maxLength: 100, unit: 'binary' }),
      baseline: fc.array(fc.string({ maxLength: 50 }), { maxLength: 5 }),
    })
    fc.assert(
      fc.property(entry, more =>
        assert.deepEqual(parseEntry(formatEntry({ ...least, ...more })), { ...least, ...more }),
      ),
    )
  })

  it('is whole on the disk, and nothing else is left there', async t => {
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-journal-'))
    t.after(() => rm(directory, { recursive: true }))
    const journal = new Journal({ log: silentLogger }, { directory })
    assert.equal(await journal.read(), undefined)
    // A power cut may leave such a file of an earlier write.
    await writeFile(join(directory, 'journal.new'), 'state=tes')
    await journal.write(least)
    assert.deepEqual(await journal.read(), least)
    assert.deepEqual(await readdir(directory), ['journal'])
    assert.equal(await readFile(join(directory, 'journal'), 'utf8'), formatEntry(least))
  })

  it('that cannot be read counts for none', async t => {
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-journal-'))
    t.after(() => rm(directory, { recursive: true }))
    const journal = new Journal({ log: silentLogger }, { directory })
    for (const text of ['', 'state=armed\n', formatEntry(least).replace('v=1', 'v=2'), 'nonsense']) {
      await writeFile(join(directory, 'journal'), text)
      assert.equal(await journal.read(), undefined)
    }
  })

  it('tells a test where it is, when that is on the disk', async t => {
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-journal-'))
    t.after(() => rm(directory, { recursive: true }))
    const seen: (JournalEntry | undefined)[] = []
    const journal: Journal = new Journal(
      { log: silentLogger, written: async () => void seen.push(await journal.read()) },
      { directory },
    )
    await journal.write(least)
    assert.deepEqual(seen, [least])
  })
})
