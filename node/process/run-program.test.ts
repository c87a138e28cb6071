/** Tests of ending a program: one that is asked ends what it has started, one that doesn't listen is killed; and of what it says. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runProgram } from './run-program.ts'

/** Runs a shell script, and asks it to end once it says that it is ready. */
async function askedToEnd(script: string): Promise<{ reason: unknown; said: string[] }> {
  const asking = new AbortController()
  const said: string[] = []
  const onLine = (line: string) => {
    said.push(line)
    if (line === 'ready') asking.abort(new Error('asked'))
  }
  const options = { timeoutMs: 60_000, lines: 10, asked: asking.signal, onLine }
  const reason = await runProgram('sh', ['-c', script], options).catch((thrown: unknown) => thrown)
  return { reason, said }
}

describe('a program that is asked to end', () => {
  it('can put in order what it has started, and its end is the reason of the signal', async () => {
    const { reason, said } = await askedToEnd('sleep 600 & trap "kill $!; echo ended; exit 1" TERM; echo ready; wait')
    assert.deepEqual([reason instanceof Error && reason.message, said], ['asked', ['ready', 'ended']])
  })

  it('is killed when it does not listen', async () => {
    const { reason } = await askedToEnd('trap "" TERM; echo ready; while :; do :; done')
    assert.equal(reason instanceof Error && reason.message, 'asked')
  })

  it('is not started when it was asked before', async () => {
    const options = { timeoutMs: 60_000, lines: 10, asked: AbortSignal.abort(new Error('before')) }
    await assert.rejects(runProgram('true', [], options), /before/)
  })
})

it('shows bytes that are no UTF-8 as signs of their own, and a character whole that comes in two parts', async () => {
  const lines: string[] = []
  const options = { timeoutMs: 60_000, lines: 10, onLine: (line: string) => void lines.push(line) }
  const script = "printf 'a\\377b\\303'; sleep 0.05; printf '\\274\\n'"
  const { stdout, output } = await runProgram('sh', ['-c', script], options)
  assert.deepEqual([stdout, output, lines], ['a\ufffdb\u00fc\n', ['a\ufffdb\u00fc'], ['a\ufffdb\u00fc']])
})
