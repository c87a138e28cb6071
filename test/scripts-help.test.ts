/** Tests of every script with `--help` and with an unknown option: it prints a text, and does nothing else. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, it } from 'node:test'
import { type Ended, runToEnd } from './e2e/helpers/processes.ts'

const repository = resolve(import.meta.dirname, '..')
const scripts = readdirSync(join(repository, 'scripts'), { withFileTypes: true }).flatMap(entry =>
  entry.isFile() ? [entry.name] : [],
)
/** Its help is the program's own, so it needs the sources and the npm packages. */
const program = 'thymesh'

/** The programs behind scripts, by the script's name; they start nothing before they know their arguments. */
const mains = {
  attack: 'scripts/src/attack/main.ts',
  bench: 'scripts/src/bench/main.ts',
  demo: 'scripts/src/demo/main.ts',
  lab: 'test/lab/main.ts',
  screenshots: 'scripts/src/screenshots/main.ts',
  soak: 'scripts/src/soak/main.ts',
}

describe('scripts', () => {
  const place = mkdtempSync(join(tmpdir(), 'thymesh-scripts-'))
  after(() => rmSync(place, { recursive: true }))
  const at = (name: string) => join(place, name)
  for (const folder of ['home', 'work', 'tmp', 'bin', 'tree']) mkdirSync(at(folder))
  // A tree without npm packages, and a PATH without anything that installs, downloads or builds.
  cpSync(join(repository, 'scripts'), at('tree/scripts'), { recursive: true })
  for (const tool of ['dirname', 'readlink', 'sed']) symlinkSync(pathOf(tool), at(`bin/${tool}`))

  const entries = () => readdirSync(place, { recursive: true, encoding: 'utf8' }).sort()

  /** Runs a program there, which must leave nothing. */
  async function run(argv: readonly [string, ...string[]]): Promise<Ended> {
    const before = entries()
    const env = { PATH: at('bin'), HOME: at('home'), TMPDIR: at('tmp') }
    const ended = await runToEnd(argv[0], argv.slice(1), { cwd: at('work'), env })
    assert.deepEqual(entries(), before, 'nothing is made')
    return ended
  }

  for (const name of scripts) {
    const tree = name === program ? repository : at('tree')
    it(`${name} --help prints how it is used`, async () => {
      const { code, stdout, stderr } = await run([join(tree, 'scripts', name), '--help'])
      const [usage = '', ...rest] = stdout.trimEnd().split('\n')
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(usage, new RegExp(`^Usage: ${name === program ? program : `scripts/${name}`}( |$)`))
      assert.ok(rest.length > 1, stdout)
      assert.doesNotMatch(stdout, /^(#|set -|\. )/m, 'the script itself is no help')
    })
  }

  const refused = (name: string, { code, stdout, stderr }: Ended) => {
    assert.deepEqual([code, stdout], [64, ''], stderr)
    assert.match(stderr, new RegExp(`^${name}: .*\nscripts/${name} --help says`))
  }
  for (const name of ['bundle', 'lab-base', 'newer-nix', 'setup', 'test']) {
    it(`${name} refuses an option that it does not know`, async () => {
      refused(name, await run([at(`tree/scripts/${name}`), '--no-such-option']))
    })
  }
  for (const [name, main] of Object.entries(mains)) {
    it(`${name} refuses an option that it does not know`, async () => {
      refused(name, await run([process.execPath, join(repository, main), '--no-such-option']))
    })
  }
  for (const name of ['bench', 'lab', 'attack'] as const) {
    it(`${name} refuses a name that it does not know`, async () => {
      refused(name, await run([process.execPath, join(repository, mains[name]), 'no-such-name']))
    })
  }
})

/** Where a program of this machine is. */
function pathOf(tool: string): string {
  return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', tool], { encoding: 'utf8' }).trim()
}
