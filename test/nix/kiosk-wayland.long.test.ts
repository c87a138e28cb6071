/**
 * A kiosk's session under Wayland: the real sway, without a screen or a graphics card, the real wayvnc, and the real Chromium.
 * The screen is offered, a bar above a full-screen window says who watches, and a viewer that may only look can't type.
 */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, constants, existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { RfbFilter } from '../../node/access/rfb-filter.ts'
import { readPicture } from '../../node/access/rfb-picture.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'
import { nixSkip } from './workshop.ts'

const repository = join(import.meta.dirname, '../..')
const programs = ['sway', 'swaynag', 'swaymsg', 'wayvnc', 'foot', 'wlr-randr', 'chromium']
const missing = programs.filter(
  name => !(process.env.PATH ?? '').split(delimiter).some(at => isProgram(join(at, name))),
)
const skip =
  nixSkip() ||
  (missing.length > 0 && `there is no ${missing.join(', ')}: apt install sway wayvnc foot wlr-randr chromium`)
/** Sway doesn't run as root: nobody of Debian. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface Kiosk {
  readonly run: string
  readonly socket: string
  /** What has been typed into the window. */
  typed(): Promise<string>
  said(): string
}

interface KioskInit {
  /** The program of the bar. */
  readonly bar?: string
  /** The browser; by default a window in its place, which writes down what is typed. */
  readonly browser?: string
  readonly outputs?: number
}

/** The compositor's file and the session as the module writes them, with folders of the test in the place of /run. */
async function kiosk(t: TestContext, { bar = 'swaynag', browser, outputs = 1 }: KioskInit = {}): Promise<Kiosk> {
  const run = await testDirectory(t)
  const own = ['.', 'thymesh-screens', 'thymesh-watched', 'xdg'].map(name => join(run, name))
  for (const folder of own) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  }
  const expression = `let
    thymesh.text = import ${repository}/nix/lib/text.nix;
    settings = {
      display = "wayland"; screen = true; screenText = "It's watched by"; resolution = "640x240"; rotation = "normal"; hideCursor = true;
      audioSink = null; volume = null; browserOptions = [ "--no-sandbox" "--user-data-dir=${run}/xdg/profile" ];
      url = "data:text/html,<body style='background:rgb(0,255,0)'>";
    };
  in {
    session = import ${repository}/nix/modules/kiosk/session.nix {
      inherit settings thymesh; run = "${run}";
      programs = { wayvnc = "wayvnc"; swaymsg = "swaymsg"; bar = "${bar}"; browser = "${browser ?? `${run}/window`}"; };
    };
    sway = import ${repository}/nix/modules/kiosk/sway.nix { inherit settings thymesh; session = "${run}/session"; };
  }`
  const options = ['--extra-experimental-features', 'nix-command', '--store', 'dummy://']
  const written = JSON.parse(
    execFileSync('nix', ['eval', ...options, '--impure', '--json', '--expr', expression], {
      encoding: 'utf8',
      timeout: 120_000,
    }),
  ) as { session: string; sway: string }
  await writeFile(join(run, 'foot.ini'), '[colors]\nbackground=00ff00\n')
  const window = `exec foot --config ${run}/foot.ini sh -c 'cat >${run}/xdg/typed'`
  await writeFile(join(run, 'window'), `#!/bin/sh\n${window}\n`, { mode: 0o755 })
  // What is on each further output, for the test alone.
  const further = Array.from({ length: outputs - 1 }, (_, index) => {
    const place = `--unix-socket ${run}/xdg/output-${index + 2}.sock`
    return `wayvnc --config /dev/null --output HEADLESS-${index + 2} ${place} &\n`
  })
  await writeFile(join(run, 'session'), `#!/bin/sh\n${further.join('')}${written.session}`, { mode: 0o755 })
  await writeFile(join(run, 'sway'), written.sway)
  const child = spawn('sway', ['--config', join(run, 'sway')], {
    ...user,
    env: {
      ...process.env,
      ...{ HOME: join(run, 'xdg'), XDG_RUNTIME_DIR: join(run, 'xdg') },
      ...{ WLR_BACKENDS: 'headless', WLR_RENDERER: 'pixman', WLR_LIBINPUT_NO_DEVICES: '1' },
      WLR_HEADLESS_OUTPUTS: String(outputs),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(async () => {
    const over = child.exitCode !== null || once(child, 'exit')
    child.kill('SIGKILL')
    await over
    // Its loops are of a process group of their own, and end with the compositor all the same.
    const left = () =>
      execFileSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' })
        .split('\n')
        .filter(args => args.includes(run))
    await until(() => left().length === 0, 'the session to end')
  })
  let said = ''
  child.stderr.on('data', bytes => {
    said += bytes
  })
  const typed = () => readFile(join(run, 'xdg/typed'), 'utf8').catch(() => '')
  return { run, socket: join(run, 'thymesh-screens/kiosk.sock'), typed, said: () => said }
}

/** The colours at the left of the top line and of the middle, as an operator would see them. */
async function colours(socket: string): Promise<string[]> {
  const stream = connect({ path: socket })
  stream.on('error', () => {})
  try {
    const { rgb, width, height } = await readPicture(stream, AbortSignal.timeout(120_000))
    const at = (line: number) => rgb.subarray(line * width * 3, line * width * 3 + 3).toString('hex')
    assert.deepEqual([width, height], [640, 240])
    return [at(0), at(height / 2)]
  } finally {
    stream.destroy()
  }
}

describe("a kiosk's screen under Wayland", { skip, timeout: 900_000 }, () => {
  it('is offered, and has a bar above the page while somebody watches', async t => {
    const { run, socket } = await kiosk(t)
    const shows = (top: string, middle: string) =>
      until(
        async () => existsSync(socket) && (await colours(socket).catch(() => [])).join() === `${top},${middle}`,
        `${top} above ${middle}`,
      )
    await shows('00ff00', '00ff00')
    const watched = join(run, 'thymesh-watched/kiosk')
    await writeFile(watched, 'ada screen\n')
    await shows('b00020', '00ff00')
    await rm(watched)
    await shows('00ff00', '00ff00')
  })

  it('has a bar on each output', async t => {
    const { run, socket } = await kiosk(t, { outputs: 2 })
    const tops = async () => {
      const sockets = [socket, join(run, 'xdg/output-2.sock')]
      return Promise.all(sockets.map(async each => existsSync(each) && (await colours(each).catch(() => []))[0]))
    }
    const isRed = (top: unknown) => top === 'b00020'
    await until(async () => (await tops()).every(top => top && !isRed(top)), 'both outputs to be offered')
    const watched = join(run, 'thymesh-watched/kiosk')
    await writeFile(watched, 'ada screen\n')
    await until(async () => (await tops()).every(isRed), 'a bar on both')
    await rm(watched)
    await until(async () => !(await tops()).some(isRed), 'no bar on any')
  })

  it('shows the page that Chromium draws', async t => {
    const { socket } = await kiosk(t, { browser: 'chromium' })
    const isGreen = async () => existsSync(socket) && (await colours(socket).catch(() => [])).join() === '00ff00,00ff00'
    await until(isGreen, 'the page to be seen')
  })

  it('takes keys of who may control it, and none of who may look', async t => {
    const { socket, typed } = await kiosk(t)
    await until(async () => existsSync(socket) && (await colours(socket).catch(() => []))[1] === '00ff00', 'the window')
    const press = (key: number) => [1, 0].map(down => Buffer.from([4, down, 0, 0, 0, 0, key >> 8, key & 255]))
    const send = async (control: boolean, keys: string) => {
      const stream = connect({ path: socket })
      stream.on('error', () => {})
      const filter = new RfbFilter(control)
      filter.pipe(stream)
      filter.write('RFB 003.008\n')
      filter.write(Buffer.from([1, 1]))
      for (const key of [...keys].map(each => each.charCodeAt(0))) for (const each of press(key)) filter.write(each)
      for (const each of press(0xff0d)) filter.write(each)
      return { stream, filter }
    }
    const looks = await send(false, 'no')
    await until(() => looks.filter.dropped === 6, 'the keys to be left out')
    const controls = await send(true, 'yes')
    await until(async () => (await typed()) !== '', 'what is typed')
    assert.equal(await typed(), 'yes\n')
    for (const { stream } of [looks, controls]) stream.destroy()
  })

  it('is not offered where no bar could say so', async t => {
    const { socket, said } = await kiosk(t, { bar: 'no-such-bar' })
    await until(() => said().includes('the screen is not offered'), 'the reason')
    assert.equal(existsSync(socket), false)
  })
})
