/** X servers for tests: a screen that exists, and commands of X that look at it. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { until } from './until.ts'

type Undoes = { after(undo: () => Promise<void>): void }

export const noXvnc =
  !['Xvnc', 'xdotool', 'dzen2'].every(name => existsSync(`/usr/bin/${name}`)) &&
  'there is no Xvnc, xdotool or dzen2: scripts/setup --tests'

export interface TestScreen {
  /** Such as `:12`. */
  readonly display: string
  /** Runs a program on it; gives what it says. */
  ask(program: string, ...args: string[]): Promise<string>
  /** Covers it with a colour, such as `#20c040`, from the top down. */
  paint(colour: string, lines: number): void
}

/** A screen of this size, which listens on that socket; it ends with the test. */
export async function startXvnc(t: Undoes, socket: string, size = '64x48'): Promise<TestScreen> {
  await mkdir(dirname(socket), { recursive: true })
  const listens = ['-SecurityTypes', 'None', '-rfbport', '-1', '-rfbunixpath', socket, '-rfbunixmode', '0600']
  // X chooses a free display, and says which.
  const child = spawn('Xvnc', ['-displayfd', '3', '-geometry', size, '-depth', '24', ...listens], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  t.after(() => ended(child))
  let said = ''
  child.stdio[3]?.on('data', bytes => {
    said += bytes
  })
  await until(() => said.endsWith('\n') && existsSync(socket), 'Xvnc to listen')
  const display = `:${said.trim()}`
  const env = { ...process.env, DISPLAY: display }
  return {
    display,
    paint: (colour, lines) => {
      const painter = spawn('dzen2', ['-p', '-h', String(lines), '-bg', colour], {
        env,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      t.after(() => ended(painter))
      painter.stdin.on('error', () => {})
      painter.stdin.write('painted\n')
    },
    ask: async (program, ...args) => (await promisify(execFile)(program, args, { env, timeout: 120_000 })).stdout,
  }
}

/** Ends a program of the test. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
  child.kill()
  await closed
}
