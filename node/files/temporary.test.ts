/** Tests of temporary folders: none is left by a process, however it ends. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'

const source = JSON.stringify(join(import.meta.dirname, 'temporary.ts'))

/** Runs a script with `temporaryFolder` in a process; gives how it ended and what it left. */
async function run(t: TestContext, place: string | undefined, script: string) {
  const folder = place ?? (await mkdtemp(join(tmpdir(), 'thymesh-temporary-test-')))
  if (place === undefined) t.after(() => rm(folder, { recursive: true, force: true }))
  const code = `
    const { temporaryFolder, removeLeftovers } = await import(${source})
    const { writeFile, readdir } = await import('node:fs/promises')
    ${script}`
  const env = { PATH: process.env.PATH, TMPDIR: folder, XDG_RUNTIME_DIR: folder }
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    said += text
  })
  const [exit, signal] = await once(child, 'close')
  return { folder, ended: exit ?? signal, said: said.trim(), left: (await readdir(folder)).length }
}

const make = `const { path, remove } = await temporaryFolder({ inMemory: true })
await writeFile(path + '/netrc', 'machine x password y')
console.log((await readdir(process.env.TMPDIR)).length)`
const stay = 'setInterval(() => {}, 1000)'

describe('a temporary folder', () => {
  it('is removed when it is not needed, and at the end of the process', async t => {
    const removed = await run(t, undefined, `${make}\nawait remove()\nawait remove()`)
    assert.deepEqual([removed.ended, removed.said, removed.left], [0, '1', 0])
    const exited = await run(t, undefined, `${make}\nprocess.exit(3)`)
    assert.deepEqual([exited.ended, exited.said, exited.left], [3, '1', 0])
    const thrown = await run(t, undefined, `${make}\nprocess.exitCode = 1\nqueueMicrotask(() => process.exit())`)
    assert.deepEqual([thrown.ended, thrown.left], [1, 0])
  })

  it('is removed by a signal, which ends the process as ever', async t => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
      const killed = await run(t, undefined, `${make}\nprocess.kill(process.pid, '${signal}')\n${stay}`)
      assert.deepEqual([killed.ended, killed.said, killed.left], [signal, '1', 0])
    }
  })

  it('leaves a signal to others who listen, before and after it was made', async t => {
    const listen = "process.once('SIGTERM', async () => { await remove(); process.exit(7) })"
    const after = await run(t, undefined, `${make}\n${listen}\nprocess.kill(process.pid, 'SIGTERM')\n${stay}`)
    assert.deepEqual([after.ended, after.left], [7, 0])
    const before = "process.once('SIGTERM', () => process.exit(8))"
    const first = await run(t, undefined, `${before}\n${make}\nprocess.kill(process.pid, 'SIGTERM')\n${stay}`)
    assert.deepEqual([first.ended, first.left], [8, 0])
  })

  it('that a crash has left is removed by the next process, and those of living ones are not', async t => {
    const crashed = await run(t, undefined, `${make}\nprocess.kill(process.pid, 'SIGKILL')\n${stay}`)
    assert.deepEqual([crashed.ended, crashed.left], ['SIGKILL', 1])
    const next = `${make}\nawait removeLeftovers()\nconsole.log((await readdir(process.env.TMPDIR)).length)`
    const cleaned = await run(t, crashed.folder, next)
    assert.deepEqual([cleaned.said, cleaned.left], ['2\n1', 0])
  })
})
