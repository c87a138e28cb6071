/** Tests of the recipe pool: recipes from files, equal whatever the hashes, and errors that cross threads. */

import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { hashPart, noise, storePath } from '../../../test/helpers/planted-nar.ts'
import { FileHandles } from '../../store/nar/file-handles.ts'
import { layOutNar } from '../../store/nar/nar-layout.ts'
import { NarReader } from '../../store/nar/nar-reader.ts'
import { makeRecipeOf } from './make-recipe.ts'
import { type RecipeJob, RecipePool } from './recipe-pool.ts'

let scratch = ''
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'thymesh-recipe-pool-'))
})
after(() => rm(scratch, { recursive: true, force: true }))

/** A path with two references, as built with the hashes of `build`. */
async function built(build: string): Promise<RecipeJob> {
  const directory = join(scratch, build)
  const libc = storePath(`${build} libc`, 'libc')
  const shell = storePath(`${build} shell`, 'shell')
  await mkdir(join(directory, 'bin'), { recursive: true })
  await writeFile(
    join(directory, 'bin/program'),
    Buffer.concat([noise('program', 300_000), Buffer.from(`${libc}/lib`)]),
  )
  await writeFile(join(directory, 'bin/script'), `#!${shell}/bin/sh\nexec ${libc}/bin/getent\n`)
  await chmod(join(directory, 'bin/script'), 0o755)
  await symlink(`${shell}/bin/sh`, join(directory, 'bin/sh'))
  await mkdir(join(directory, 'share'))
  const handles = new FileHandles()
  const nar = new NarReader(await layOutNar(directory), handles)
  const facts = { narHash: sha256(await nar.readRange(0, nar.size)), narSize: nar.size }
  await handles.closeUnused()
  return { path: storePath(build), references: [libc, shell].toSorted(), directory, ...facts }
}

test('recipe pool: makes what makeRecipe makes, and a rebuild has the same', async t => {
  const pool = new RecipePool({ threads: 2 })
  pool.start()
  t.after(() => pool.stop())
  const jobs = await Promise.all(['first', 'second', 'third'].map(built))
  const made = await Promise.all(jobs.map(job => pool.make(job)))
  const [first] = jobs
  assert.ok(first !== undefined)
  const handles = new FileHandles()
  const here = await makeRecipeOf(new NarReader(await layOutNar(first.directory), handles), first)
  await handles.closeUnused()
  for (const { bytes, id, references, recipe } of made) {
    assert.deepEqual(bytes, here.bytes)
    assert.deepEqual(id, here.id)
    assert.deepEqual(recipe, here.recipe)
    assert.equal(recipe.slotCount, 2)
    assert.deepEqual(
      references.map(path => path.slice(44)),
      here.references.map(path => path.slice(44)),
    )
  }
  assert.ok(made[1]?.references.includes(`/nix/store/${hashPart('second libc')}-libc`))
})

test('recipe pool: errors keep their code, and the thread goes on', async t => {
  const pool = new RecipePool({ threads: 1 })
  pool.start()
  t.after(() => pool.stop())
  const job = await built('errors')
  const gone = pool.make({ ...job, directory: join(scratch, 'gone') })
  const damaged = pool.make({ ...job, narHash: new Uint8Array(32) })
  const good = pool.make(job)
  await assert.rejects(gone, { code: 'path-unknown' })
  await assert.rejects(damaged, { code: 'nar-mismatch', hint: /--verify-path/ })
  assert.equal((await good).recipe.slotCount, 2)
})

test('recipe pool: rejects what it will not do', async () => {
  const pool = new RecipePool({ threads: 1 })
  const job = await built('stopped')
  await assert.rejects(pool.make(job), { code: 'pool-stopped' })
  pool.start()
  await assert.rejects(pool.make(job, AbortSignal.abort(new Error('enough'))), /enough/)
  const underWay = pool.make(job)
  const leaving = new AbortController()
  const waiting = pool.make(job, leaving.signal)
  const rejections = [
    assert.rejects(underWay, { code: 'pool-stopped' }),
    assert.rejects(waiting, /changed my mind/),
    assert.rejects(pool.make(job), { code: 'pool-stopped' }),
  ]
  leaving.abort(new Error('changed my mind'))
  await pool.stop()
  await Promise.all(rejections)
})
