/** Code is compiled for speed while there is work, and a daemon is started so that it isn't before. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { CompilerPace, patient } from './compiler-pace.ts'

const own = [
  '--invocation-count-for-feedback-allocation=8',
  '--invocation-count-for-turbofan=3000',
  '--invocation-count-for-osr=500',
]

describe('the pace of the compiler', () => {
  it("is V8's own from the first who works to the last", () => {
    const flags: string[] = []
    const pace = new CompilerPace(patient, flag => flags.push(flag))
    const [endOne, endOther] = [pace.hurry(), pace.hurry()]
    endOne()
    endOne()
    assert.deepEqual(flags, own)
    endOther()
    assert.deepEqual(flags, [...own, ...patient])
  })

  it('is left alone in a process that was not started patiently', () => {
    const flags: string[] = []
    new CompilerPace(['--no-maglev'], flag => flags.push(flag)).hurry()()
    assert.deepEqual(flags, [])
  })

  it('is patient in what is shipped, and its own counts are those of this Node', async () => {
    const shipped = JSON.parse(await readFile(new URL('../../nix/node-flags.json', import.meta.url), 'utf8'))
    assert.deepEqual(
      patient.filter(flag => !shipped.includes(flag)),
      [],
    )
    const { stdout } = await promisify(execFile)(process.execPath, ['--v8-options'])
    for (const flag of own) assert.ok(stdout.includes(`default: ${flag}\n`), flag)
  })
})
