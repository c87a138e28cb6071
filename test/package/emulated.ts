/**
 * The package of another architecture, its daemon under qemu's user emulation: it joins a fleet, and fetches and runs a small
 * closure. By hand, since it takes minutes: `node test/package/emulated.ts thymesh_VERSION_arm64.deb ROOT`, where ROOT has the
 * architecture's libc6 and libstdc++6: `debootstrap --arch=arm64 --foreign --variant=minbase --include=libstdc++6 bookworm ROOT`.
 */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { nodeOptions } from '../../scripts/src/bundle.ts'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { until } from '../helpers/until.ts'

/** Emulated, everything takes ten times as long. */
const patienceMs = 900_000

const [deb = '', root = ''] = process.argv.slice(2)
const fleet = await Fleet.prepare()
try {
  await fleet.found()
  // The sample's builders are scripts, which this machine runs for any system.
  fleet.env.NIX_CONFIG += 'extra-platforms = aarch64-linux\n'
  const modules = { hello: { message: 'Hello from another architecture' } }
  await fleet.commit('for it', { 'configs/hello.json': { system: 'aarch64-linux', modules } })
  const into = join(fleet.directory, 'package')
  execFileSync('dpkg-deb', ['-x', resolve(deb), into])
  const home = join(into, 'usr/lib/thymesh')
  const device = await fleet.device('first')
  mkdirSync(device.root, { recursive: true })
  const { flags } = await nodeOptions()
  const token = await fleet.token('--names', 'first')
  const argv = ['-L', resolve(root), join(home, 'node/bin/node'), ...flags, join(home, 'dist/thymesh.mjs')]
  const logFile = join(fleet.directory, 'first/log')
  const log = openSync(logFile, 'a')
  const began = performance.now()
  const daemon = spawn('qemu-aarch64-static', [...argv, 'node', ...device.flags(token), '--log', 'info'], {
    env: fleet.env,
    stdio: ['ignore', log, log],
  })
  process.once('exit', () => daemon.kill('SIGKILL'))
  const logged = (words: string) =>
    until(async () => (await readFile(logFile, 'utf8')).includes(words), words, patienceMs)
  const tell = (what: string) =>
    process.stdout.write(`${what} after ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  const unexpected = once(daemon, 'exit').then(async () => assert.fail(await readFile(logFile, 'utf8')))
  unexpected.catch(() => {})
  await Promise.race([logged('device started'), unexpected])
  tell('the daemon is up and has joined')
  await fleet.json('deploy', '-m', 'emulated', '--no-wait')
  await Promise.race([until(() => device.running(), 'a system to run', patienceMs), unexpected])
  tell(`it runs ${await device.running()}`)
  assert.match(await device.etc('hello'), /Hello from another architecture/)
  daemon.removeAllListeners('exit')
  daemon.kill('SIGTERM')
  await once(daemon, 'exit')
  tell('it has ended in order')
} finally {
  await fleet.remove()
}
