/**
 * Secrets from the operator's terminal to a device's tmpfs, with real processes: what arrives is right, what does not
 * belong to a device stays closed to it, and the plaintext is nowhere that it should not be.
 */

import assert from 'node:assert/strict'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { Fleet } from './helpers/fleet.ts'
import { runThymesh, until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

/** A module that reads a secret, as any of the built-in ones does. */
const reader = `{
  displayName = "Reader";
  settings.key = { type = "secret"; };
  settings.password = { type = "secret"; required = false; processing = "yescrypt"; };
  portable = { settings, ... }: {
    etc."reader.conf".text = "key file: \${settings.key.path}\\n";
  };
}
`
const plaintext = 'plain-4711-correct-horse'
const rotated = 'plain-0815-battery-staple'
const password = 'plain-passw0rd-of-ada'

describe('secrets', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let first: Device
  let other: Device
  const logs: string[] = []
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    first = await fleet.device('first')
    other = await fleet.device('other')
  })
  after(() => fleet.remove())

  const secretFile = (device: Device, name: string) => join(device.root, 'run/thymesh/secrets', name)
  const secret = (device: Device, name: string) => readFile(secretFile(device, name), 'utf8')
  async function deploy(...flags: string[]): Promise<void> {
    const ended = await fleet.run('deploy', '--json', '--log', 'debug', ...flags)
    logs.push(ended.stdout, ended.stderr)
    assert.equal(ended.code, 0, ended.stdout + (await fleet.logs()))
  }

  it('are added, listed and shown by their readers', async () => {
    await writeFile(join(fleet.directory, 'key'), `${plaintext}\n`)
    await writeFile(join(fleet.directory, 'password'), `${password}\n`)
    await fleet.json('secret', 'add', 'key', '--from', join(fleet.directory, 'key'))
    await fleet.json('secret', 'add', 'login', '--from', join(fleet.directory, 'password'))
    assert.equal((await fleet.run('secret', 'show', 'key')).stdout, `${plaintext}\n`)
    const { secrets } = await fleet.json<{ secrets: { name: string; type: string; devices: string[] }[] }>(
      'secret',
      'list',
    )
    assert.deepEqual(
      secrets.map(({ name, type, devices }) => [name, type, devices]),
      [
        ['key', 'single-line', []],
        ['login', 'single-line', []],
      ],
    )
    assert.match(await readFile(join(fleet.project, 'secrets/key.age'), 'latin1'), /^age-encryption\.org\/v1\n/)
    assert.equal((await fleet.error('secret', 'add', 'key', '--from', '/dev/null')).code, 'entry-exists')
    assert.equal((await fleet.error('secret', 'set', 'key', '--from', '/dev/null')).code, 'secret-content')
    assert.equal((await fleet.error('secret', 'show', 'kye')).code, 'no-secret')
  })

  it('must be for devices that have a recipient, with the place where they are set', async () => {
    await fleet.commit('Use them', {
      'modules/reader.nix': reader,
      'configs/reader.json': { ...hello('reads'), modules: { reader: { key: 'key', password: 'login' } } },
      'devices/first.json': { config: 'reader' },
      'devices/other.json': { config: 'hello' },
    })
    const error = await fleet.error('deploy')
    assert.equal(error.code, 'invalid-project')
    assert.match(
      error.message,
      /^configs\/reader\.json:\d+:\d+: modules\.reader\.key: the secret key is for the device first/,
    )
    assert.match(error.message, /modules\.reader\.password: the secret login is for the device first/)
  })

  it('reach the devices that use them, and those only', async () => {
    const token = await fleet.token()
    first.start(token)
    other.start(token)
    // The operator is in reach while a command runs only: one that lasts is found sooner than many short ones.
    const joined = async () => {
      const { devices } = await fleet.json<{ devices: { peer: string | null }[] }>('status', '--wait', '8')
      return devices.filter(({ peer }) => peer !== null).length === 2
    }
    await until('both to join', joined, { limitMs: 180_000, explain: () => fleet.logs() })
    await deploy('-m', 'with secrets')
    assert.equal(await secret(first, 'key'), plaintext)
    const names = await readdir(join(first.root, 'run/thymesh/secrets'))
    const hash = await secret(first, names.find(name => name.startsWith('login')) ?? '')
    assert.match(hash, /^\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{43}$/)
    assert.equal((await stat(secretFile(first, 'key'))).mode & 0o777, 0o400)
    assert.equal((await stat(join(first.root, 'run/thymesh/secrets/.'))).mode & 0o777, 0o700)
    assert.match(await first.etc('reader.conf'), /\/run\/thymesh\/secrets\/key\n/)
    await assert.rejects(readdir(join(other.root, 'run/thymesh/secrets')))
  })

  it('are not sent again when nothing changed, and change without a new system when they are rotated', async () => {
    const before = await fleet.json<{ releases: { version: number }[] }>('releases', '--wait', '0')
    await deploy()
    const again = await fleet.json<{ releases: { version: number }[] }>('releases', '--wait', '0')
    assert.equal(again.releases[0]?.version, before.releases[0]?.version)

    const running = await first.running()
    await writeFile(join(fleet.directory, 'key'), rotated)
    await fleet.json('secret', 'rotate', 'key', '--from', join(fleet.directory, 'key'))
    await fleet.commit('Rotate')
    await deploy()
    await until('the new content', async () => (await secret(first, 'key')) === rotated, {
      explain: () => fleet.logs(),
    })
    assert.equal(await first.running(), running)
  })

  it('are there again after the start of the machine, without the mesh', async () => {
    assert.equal(await first.stop(), 0)
    await rm(join(first.root, 'run/thymesh'), { recursive: true })
    const state = join(first.root, '../state')
    const ended = await runThymesh(['install-secrets', '--state', state, '--root', first.root], {
      cwd: '/',
      env: fleet.env,
    })
    assert.deepEqual([ended.code, ended.stdout], [0, 'Installed 2 secrets.\n'])
    assert.equal(await secret(first, 'key'), rotated)
    // Existing lines may be of an update in progress.
    const again = await runThymesh(['lay-secrets', '--state', state, '--root', first.root], {
      cwd: '/',
      env: fleet.env,
    })
    assert.equal(again.stdout, 'Secrets are there already.\n')
    const units = join(await realTop(first), 'units')
    assert.match(
      await readFile(join(units, 'thymesh-secrets.service'), 'utf8'),
      /ExecStart=\/var\/lib\/thymesh\/secrets\/lay/,
    )
    first.start()
  })

  it('are nowhere else: not in a store, a log, a state, the project or its history', async () => {
    await other.stop()
    await first.stop()
    const places = [
      first.root,
      other.root,
      join(first.root, '../state'),
      join(other.root, '../state'),
      fleet.store,
      fleet.home,
      fleet.project,
    ]
    const found: string[] = []
    for (const place of places) found.push(...(await filesWith(place, [plaintext, rotated, password])))
    for (const device of [first, other])
      found.push(...(await filesWith(join(device.root, '..'), [plaintext, rotated, password])))
    const allowed = (file: string) => file.startsWith(join(first.root, 'run/thymesh/secrets'))
    assert.deepEqual(
      [...new Set(found)].filter(file => !allowed(file)),
      [],
    )
    for (const log of logs) for (const text of [plaintext, rotated, password]) assert.ok(!log.includes(text))
  })
})

/** Where the system that a device runs lies on this machine. */
async function realTop(device: Device): Promise<string> {
  return join(device.root, (await device.running()) ?? '')
}

/** Files below a folder that hold one of the texts; links are not followed. */
async function filesWith(folder: string, texts: readonly string[]): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const found = await Promise.all(
    entries
      .filter(entry => entry.isFile())
      .map(async entry => {
        const file = join(entry.parentPath, entry.name)
        const bytes = await readFile(file).catch(() => Buffer.alloc(0))
        return texts.some(text => bytes.includes(text)) ? [file] : []
      }),
  )
  return found.flat()
}
