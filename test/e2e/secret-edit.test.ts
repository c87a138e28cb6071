/** `thymesh secret edit` with editors that are shell scripts: what they leave is the secret, and nothing else is left. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'
import { type Ended, until } from './helpers/processes.ts'

describe('editing a secret', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let memory: string
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    memory = join(fleet.directory, 'memory')
    await mkdir(memory)
    await writeFile(join(fleet.directory, 'plain'), 'before')
    await fleet.json('secret', 'add', 'key', '--from', join(fleet.directory, 'plain'))
    await fleet.commit('A secret')
  })
  after(() => fleet.remove())

  /** Runs it with an editor that does this with "$1"; in every case, no plaintext may be left. */
  async function edit(script: string | undefined, onStart?: (child: ChildProcess) => void): Promise<Ended> {
    const editor = join(fleet.directory, 'editor')
    if (script !== undefined) {
      await writeFile(editor, `#!/bin/sh\nset -eu\n${script}\n`)
      await chmod(editor, 0o755)
    }
    const env = { XDG_RUNTIME_DIR: memory, EDITOR: script === undefined ? '' : editor, VISUAL: '' }
    const ended = await fleet.runWith({ env, ...(onStart && { onStart }) }, 'secret', 'edit', 'key', '--json')
    assert.deepEqual(await readdir(memory), [])
    return ended
  }
  const content = async () => (await fleet.json<{ content: string }>('secret', 'show', 'key')).content
  const codeOf = ({ code, stdout }: Ended) => [code, (JSON.parse(stdout) as ErrorJson).error.code]

  it('takes what the editor leaves, which saw what was there in a file of its own', async () => {
    const seen = join(fleet.directory, 'seen')
    const ended = await edit(`stat -c %a "$1" > ${seen}; cat "$1" >> ${seen}; echo after > "$1"`)
    assert.ok((JSON.parse(ended.stdout) as { written: string[] }).written.includes('secrets/key.age'), ended.stdout)
    assert.equal(await readFile(seen, 'utf8'), '600\nbefore')
    assert.equal(await content(), 'after')
    await fleet.commit('Edited')
  })

  it('writes nothing when the content stays, whether the editor ends the line or not', async () => {
    for (const script of [':', 'echo after > "$1"']) {
      assert.deepEqual(JSON.parse((await edit(script)).stdout), { written: [] })
    }
    assert.equal(await fleet.git('status', '--porcelain'), '')
  })

  it('writes nothing when the editor fails, or there is none', async () => {
    assert.deepEqual(codeOf(await edit('echo other > "$1"; exit 3')), [1, 'no-editor'])
    assert.deepEqual(codeOf(await edit(undefined)), [1, 'no-editor'])
    assert.equal(await content(), 'after')
    assert.equal(await fleet.git('status', '--porcelain'), '')
  })

  it('refuses content that the type does not allow', async () => {
    const ended = await edit('printf "two\\nlines\\n" > "$1"')
    assert.deepEqual(codeOf(ended), [1, 'secret-content'])
    assert.equal(await content(), 'after')
  })

  it('leaves Ctrl-C to the editor', async () => {
    const [opened, goOn] = [join(fleet.directory, 'opened'), join(fleet.directory, 'go-on')]
    const ended = edit(`: > ${opened}; while [ ! -e ${goOn} ]; do sleep 0.1; done; echo later > "$1"`, child => {
      void until('the editor', () => readFile(opened).catch(() => false as const)).then(async () => {
        child.kill('SIGINT')
        await writeFile(goOn, '')
      })
    })
    assert.equal((await ended).code, 0)
    assert.equal(await content(), 'later')
    await fleet.commit('Edited again')
  })

  it('leaves nothing behind when it is told to end', async () => {
    const opened = join(fleet.directory, 'opened-again')
    const ended = await edit(`echo other > "$1"; : > ${opened}; while [ -e "$1" ]; do sleep 0.1; done`, child => {
      void until('the editor', () => readFile(opened).catch(() => false as const)).then(() => child.kill('SIGTERM'))
    })
    assert.deepEqual(codeOf(ended), [1, 'no-editor'])
    assert.equal(await content(), 'later')
  })
})
