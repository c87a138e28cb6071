/** Sticks as loop devices: the program of the unit mounts one in a mount namespace of its own, and the daemon reads it. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { main } from '../helpers/program.ts'
import { nixSkip } from '../nix/workshop.ts'
import { carried } from './helpers/carried.ts'
import type { Device } from './helpers/device.ts'
import type { Fleet, Row } from './helpers/fleet.ts'
import { type Ended, runToEnd, until } from './helpers/processes.ts'

const script = join(import.meta.dirname, '../../nix/sticks/take-stick.sh')

describe('sticks', { skip: nixSkip() || loopSkip() }, () => {
  let fleet: Fleet
  let device: Device
  let bundle: string
  let top: string

  before(async () => {
    const { more: token, dark, ...scene } = await carried(made => made.token())
    ;({ fleet, bundle, top } = scene)
    device = dark
    device.start(token)
    await device.logged('that it has started', line => line.msg === 'device started')
  })
  after(() => fleet.remove())

  it('with a file system are read in a mount namespace that ends with the program', async () => {
    const folder = join(fleet.directory, 'stick')
    await mkdir(folder)
    await copyFile(bundle, join(folder, 'news.thymesh'))
    await symlink('/etc/shadow', join(folder, 'shadow.thymesh'))
    const { code, stderr } = await takeStick(await image('stick.ext4', folder))
    assert.equal(code, 0, stderr + (await device.lastLines()))
    await device.runs(top)
    // Its next report says so.
    await device.confirmed()
    const told = (await readFile(join(fleet.directory, 'told'), 'utf8')).trim().split('\n')
    assert.deepEqual([told[0], told.at(-1)], ['seen', 'done'])
    assert.ok(told.includes('reading 100') || told.some(line => line.startsWith('reading ')), told.join())
    assert.doesNotMatch(await readFile('/proc/self/mounts', 'utf8'), /stick\.mount/)
  })

  it('with the folder for it take the device’s reports home', async () => {
    const folder = join(fleet.directory, 'two-way')
    await mkdir(join(folder, 'thymesh-outbox'), { recursive: true })
    await copyFile(bundle, join(folder, 'news.thymesh'))
    const file = await image('two-way.ext4', folder)
    const { code, stdout, stderr } = await takeStick(file, 'writable')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /thymesh-outbox\/dark-1\.age/)
    const outbox = join(fleet.directory, 'dark-1.age')
    execFileSync('debugfs', ['-R', `dump thymesh-outbox/dark-1.age ${outbox}`, file], { stdio: 'pipe' })
    await device.stop()
    const { taken } = await fleet.json<{ taken: { device: string; reports: number }[] }>('carry', 'in', outbox)
    assert.deepEqual([taken[0]?.device, taken[0]?.reports], ['dark', 1])
    const again = await fleet.json<{ taken: { reports: number }[] }>('carry', 'in', outbox)
    assert.equal(again.taken[0]?.reports, 0)
    const { devices } = await fleet.json<{ devices: Row[] }>('status', '--wait', '0')
    assert.equal(devices.find(row => row.device === 'dark')?.running, top)
    const before = (await device.logLines()).length
    device.start()
    await device.logged('that it has started', line => line.msg === 'device started', before)
  })

  it('without a file system are read as they are', async () => {
    const raw = join(fleet.directory, 'raw')
    await copyFile(bundle, raw)
    // What was there before follows.
    await truncate(raw, 64 * 1024 ** 2)
    const { code, stderr } = await takeStick(raw)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /was trusted already/)
  })

  it('that are in before the daemon is, as at a boot, wait for it', async () => {
    await device.stop()
    await rm(join(fleet.directory, 'asked'))
    const raw = join(fleet.directory, 'early')
    await copyFile(bundle, raw)
    const taking = takeStick(raw)
    // The program of the unit has asked for the daemon.
    await until('the stick to ask', () => existsSync(join(fleet.directory, 'asked')))
    device.start()
    const { code, stderr } = await taking
    assert.equal(code, 0, stderr)
  })

  it('without a bundle, or with another content, change nothing', async () => {
    const empty = join(fleet.directory, 'empty')
    await mkdir(empty)
    assert.match((await takeStick(await image('empty.ext4', empty))).stderr, /expected bundles .* got none/)
    const zeros = join(fleet.directory, 'zeros')
    await writeFile(zeros, '')
    await truncate(zeros, 1024 ** 2)
    const { code, stderr } = await takeStick(zeros)
    assert.match(stderr, /expected a bundle or one of the file systems/)
    assert.equal(code, 0)
  })

  it('with a damaged bundle are refused, and the hook learns why', async () => {
    const raw = join(fleet.directory, 'damaged')
    await copyFile(bundle, raw)
    await truncate(raw, 4096)
    const { code } = await takeStick(raw)
    assert.equal(code, 1)
    assert.match(await readFile(join(fleet.directory, 'told'), 'utf8'), /refused truncated\n$/)
  })

  /** A file with an ext4 file system that holds what the folder holds. */
  async function image(name: string, folder: string): Promise<string> {
    const file = join(fleet.directory, name)
    await writeFile(file, '')
    await truncate(file, 64 * 1024 ** 2)
    execFileSync('mkfs.ext4', ['-q', '-F', '-L', 'THYMESH', '-d', folder, file])
    return file
  }

  /** Runs the unit's program as systemd does, on a loop device. */
  async function takeStick(file: string, writable?: 'writable'): Promise<Ended> {
    const at = (name: string) => join(fleet.directory, name)
    await mkdir(at('stick.mount'), { recursive: true })
    await program(
      at('thymesh'),
      `: >'${at('asked')}'; case $1 in bundle) set -- "$@" --stay 1 ;; esac\nexec '${process.execPath}' '${main}' "$@" --state '${device.state}'`,
    )
    await program(at('hook'), `echo "$@" >>'${at('told')}'`)
    const flags = ['--find', '--show', ...(writable ? [] : ['--read-only']), file]
    const loop = execFileSync('losetup', flags, { encoding: 'utf8' }).trim()
    try {
      const args = [
        '--mount',
        '--propagation',
        'private',
        'sh',
        script,
        at('thymesh'),
        loop,
        at('stick.mount'),
        at('hook'),
      ]
      return await runToEnd('unshare', args, { cwd: '/', env: fleet.env })
    } finally {
      execFileSync('losetup', ['--detach', loop])
    }
  }
})

async function program(file: string, text: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${text}\n`)
  await chmod(file, 0o755)
}

/** Why loop devices can't be used here; false if they can. */
function loopSkip(): string | false {
  try {
    execFileSync('losetup', ['--find'], { stdio: 'pipe' })
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'pipe' })
    return false
  } catch {
    return 'needs root and loop devices'
  }
}
