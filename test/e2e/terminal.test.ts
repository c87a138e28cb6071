/** Commands at a real terminal, which `script` of util-linux makes: what is piped in is content, what is typed is an answer. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { main } from '../helpers/program.ts'
import { Fleet } from './helpers/fleet.ts'
import { patienceMs } from './helpers/processes.ts'

const passphrase = 'tin whistle, forty 2'
const secret = 'piped-4711-correct-horse'

describe('a command at a terminal', () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    const place = ['--listen', fleet.address, '--no-mdns', '--store', fleet.store]
    const sealed = { env: { THYMESH_PASSPHRASE: passphrase } }
    const ended = await fleet.runWith(sealed, 'init', '.', '--name', 'trial', ...place)
    assert.equal(ended.code, 0, ended.stderr)
  })
  after(() => fleet.remove())

  /** Runs a shell's command line at a terminal; to each question that comes, its answer is typed. */
  async function atTerminal(commandLine: string, answers: readonly [question: RegExp, answer: string][]) {
    const child = spawn('script', ['--quiet', '--flush', '--return', '--command', commandLine, '/dev/null'], {
      cwd: fleet.project,
      env: { ...fleet.env, SHELL: '/bin/sh', THYMESH: `${process.execPath} ${main}` },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const left = [...answers]
    let shown = ''
    let answered = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text
      const [question, answer] = left[0] ?? []
      if (question === undefined || !question.test(shown.slice(answered))) return
      answered = shown.length
      left.shift()
      child.stdin.write(`${answer}\r`)
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    const [code] = await once(child, 'close')
    clearTimeout(timer)
    return { code, shown, unasked: left.length }
  }

  const asked = /[Pp]assphrase[^\n]*: $/

  it('takes a secret by a pipe, and the passphrase from the terminal', async () => {
    await writeFile(join(fleet.directory, 'secret'), secret)
    const added = await atTerminal('cat ../secret | $THYMESH secret add key', [[asked, passphrase]])
    assert.deepEqual([added.code, added.unasked], [0, 0], added.shown)
    assert.ok(!added.shown.includes(secret) && !added.shown.includes(passphrase), added.shown)
    const shown = await fleet.runWith({ env: { THYMESH_PASSPHRASE: passphrase } }, 'secret', 'show', 'key')
    assert.equal(shown.stdout.trim(), secret)
  })

  it('shows a secret into a pipe, after the passphrase was typed', async () => {
    const shown = await atTerminal('$THYMESH secret show key </dev/null | tr a-z A-Z', [[asked, passphrase]])
    assert.deepEqual([shown.code, shown.unasked], [0, 0], shown.shown)
    assert.match(shown.shown, new RegExp(secret.toUpperCase()))
  })

  it('changes nothing after a wrong passphrase', async () => {
    const wrong = await atTerminal('echo other | $THYMESH secret rotate key --from -', [[asked, 'wrong']])
    assert.deepEqual([wrong.code, wrong.unasked], [1, 0], wrong.shown)
    assert.match(wrong.shown, /the passphrase doesn't open/)
    const shown = await fleet.runWith({ env: { THYMESH_PASSPHRASE: passphrase } }, 'secret', 'show', 'key')
    assert.equal(shown.stdout.trim(), secret)
  })
})
