/** Tests of the state's tables. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { dump, testDirectory, testState } from '../../test/helpers/state.ts'
import { adviceFor, Database } from './database.ts'

describe('Database', () => {
  it('keeps tables apart, over a restart', async t => {
    const { directory, database } = await testState(t)
    await database.table('trust').put('key', Uint8Array.of(1))
    await database.table('members').put('key', Uint8Array.of(2))
    await database.close()
    const again = await testState(t, { directory })
    assert.deepEqual(await again.database.table('trust').get('key'), Buffer.of(1))
    assert.deepEqual(await again.database.table('members').get('key'), Buffer.of(2))
    assert.equal(await again.database.table('reports').get('key'), undefined)
    await again.database.table('trust').delete('key')
    assert.deepEqual(await dump(again.database), ['members key Ag=='])
  })

  it('applies all changes of a batch', async t => {
    const { database } = await testState(t)
    await database.table('own').put('old', Uint8Array.of(1))
    await database.apply([
      { table: 'own', key: 'old', value: undefined },
      { table: 'trust', key: 'new', value: Uint8Array.of(2) },
    ])
    assert.deepEqual(await dump(database), ['trust new Ag=='])
  })

  it('says so when another process has it', async t => {
    const { directory } = await testState(t)
    await assert.rejects(Database.open(directory), withCode('in-use'))
  })

  it('says so when it is no database', async t => {
    const directory = await testDirectory(t)
    await mkdir(join(directory, 'db'))
    await writeFile(join(directory, 'db/CURRENT'), 'rubbish')
    await assert.rejects(Database.open(directory), withCode('unreadable'))
  })

  it('gives nobody the advice to throw away a state whose disk is full, or that is another user’s', () => {
    const failure = 'IO error: /var/lib/thymesh/db/MANIFEST-000101: '
    assert.match(adviceFor(`${failure}No space left on device`), /^Free some space/)
    assert.match(adviceFor(`${failure}Permission denied`), /as the user whose state it is/)
    assert.match(adviceFor('Corruption: CURRENT file does not end with newline'), /or remove it/)
  })
})
