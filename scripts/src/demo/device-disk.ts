/** The system that a device runs, read from its disk and from the application in its store. */

import { spawn } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** The top level that `/run/current-system` of a device's root names; nothing before the first activation. */
export async function runningOnDisk(root: string): Promise<string | undefined> {
  return await readlink(join(root, 'run/current-system')).catch(() => undefined)
}

/** The top level that a reboot would start: the last link of an update, so that all else of it is in place. */
export async function bootsOnDisk(root: string): Promise<string | undefined> {
  return await readlink(join(root, 'etc/thymesh/boot')).catch(() => undefined)
}

/** The web application's answer about itself. */
export interface Answer {
  version: string
  message: string
  generation: string
}

/**
 * Starts the web application's unit as a system would, in a chroot into the device's root, so that nothing but the device's
 * own store can answer; asks it over HTTP and ends it.
 */
export async function askApplication(root: string): Promise<Answer> {
  const unit = await readFile(join(root, (await runningOnDisk(root)) ?? '', 'units/web.service'), 'utf8')
  const command = /^ExecStart=(.+)$/m.exec(unit)?.[1]?.split(' ')
  if (command === undefined) throw new Error(`expected an ExecStart in web.service of ${root}`)
  const [file, ...args] = inChroot(root, command)
  const child = spawn(file, args, { env: { WEB_PORT: '0', PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let output = ''
      const read = (text: Buffer) => {
        output += text
        const found = /listens on port (\d+)/.exec(output)?.[1]
        if (found !== undefined) resolve(found)
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.on('error', reject)
      child.on('exit', code => reject(new Error(`the application ended with ${code}:\n${output}`)))
    })
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(10_000) })
    return (await response.json()) as Answer
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

/** Without root, a user namespace gives the right to chroot. */
function inChroot(root: string, command: string[]): [string, ...string[]] {
  const isRoot = process.getuid?.() === 0
  return isRoot ? ['chroot', root, ...command] : ['unshare', '--map-root-user', 'chroot', root, ...command]
}
