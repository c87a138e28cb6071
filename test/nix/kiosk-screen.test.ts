/** What a kiosk's session does for its screen, on a real X server: it offers the screen, and a bar on it says who watches. */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readPicture } from '../../node/access/rfb-picture.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'
import { noXvnc, startXvnc } from '../helpers/xvnc.ts'
import { nixSkip } from './workshop.ts'

const repository = join(import.meta.dirname, '../..')
const programs = ['X0tigervnc', 'dzen2'].every(name => existsSync(`/usr/bin/${name}`))
const skip = nixSkip() || noXvnc || (!programs && 'there is no X0tigervnc or dzen2: scripts/setup --tests')

/** The session's lines as the module writes them, with folders of the test in the place of /run. */
async function session(t: TestContext, bar: string) {
  const run = await testDirectory(t)
  for (const name of ['thymesh-screens', 'thymesh-watched']) await mkdir(join(run, name))
  const { display, paint } = await startXvnc(t as never, join(run, 'x.sock'), '320x120')
  const expression = `(import ${repository}/nix/lib/text.nix).lines (import ${repository}/nix/modules/kiosk/screen.nix {
    settings = { display = "x11"; screenText = "It's watched by"; }; thymesh.text = import ${repository}/nix/lib/text.nix; run = "${run}";
    programs = { x0vncserver = "$(command -v X0tigervnc || echo x0vncserver)"; bar = "${bar}"; }; })`
  const options = ['--extra-experimental-features', 'nix-command', '--store', 'dummy://']
  const lines = execFileSync('nix', ['eval', ...options, '--impure', '--raw', '--expr', expression], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  const child = spawn('sh', ['-c', `${lines}\nwait`], {
    env: { ...process.env, DISPLAY: display },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  t.after(async () => {
    // Its loops are of one process group.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  })
  let said = ''
  child.stderr.on('data', bytes => {
    said += bytes
  })
  return { run, paint, socket: join(run, 'thymesh-screens/kiosk.sock'), said: () => said }
}

/** The colour at the left end of the first line, as an operator would see it. */
async function corner(socket: string): Promise<string> {
  const stream = connect({ path: socket })
  stream.on('error', () => {})
  try {
    return (await readPicture(stream, AbortSignal.timeout(120_000))).rgb.subarray(0, 3).toString('hex')
  } finally {
    stream.destroy()
  }
}

describe("a kiosk's screen", { skip, timeout: 900_000 }, () => {
  it('is offered, and has a bar above everything while somebody watches', async t => {
    const { run, socket, paint } = await session(t, 'dzen2')
    await until(() => existsSync(socket), 'the screen to be offered')
    assert.equal(await corner(socket), '000000')
    const watched = join(run, 'thymesh-watched/kiosk')
    await writeFile(watched, 'ada screen\n')
    await until(async () => (await corner(socket)) === 'b00020', 'the bar to come')
    paint('#00ff00', 60)
    const below = async () => {
      const stream = connect({ path: socket })
      const { rgb } = await readPicture(stream, AbortSignal.timeout(120_000)).finally(() => stream.destroy())
      return rgb.subarray(50 * 320 * 3, 50 * 320 * 3 + 3).toString('hex')
    }
    await until(async () => (await below()) === '00ff00', 'the page to come')
    await until(async () => (await corner(socket)) === 'b00020', 'the bar to come over it')
    await rm(watched)
    await until(async () => (await corner(socket)) === '00ff00', 'the bar to go')
  })

  it('is not offered where no bar could say so', async t => {
    const { socket, said } = await session(t, 'no-such-bar')
    await until(() => said().includes('the screen is not offered'), 'the reason')
    assert.equal(existsSync(socket), false)
  })
})
